/** Every fault, on every transport that it makes sense on. */
import { crowds } from './crowds.js'
import { cuts } from './cuts.js'
import { kills } from './kills.js'
import type { Scenario } from './scenario.js'
import { spoils } from './spoils.js'
import { stops } from './stops.js'
import { type Transport, transports } from './transports.js'

export interface Row {
  /** 'unix: a sender is killed' */
  readonly name: string
  readonly scenario: Scenario
  readonly transport: Transport
}

export const rows: readonly Row[] = [...kills, ...stops, ...cuts, ...crowds, ...spoils].flatMap(scenario =>
  transports
    .filter(transport => scenario.isFor?.(transport) ?? true)
    .map(transport => ({ name: `${transport.name}: ${scenario.name}`, scenario, transport })),
)
