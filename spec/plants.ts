/** A bug for each detector of a campaign: one that is not found by its detector means that the detector is broken. */
import { crc32c } from '../src/bytes/crc32c.js'
import { OutbandError, type PacketLike } from '../src/index.js'
import { spentMs } from './budget.js'
import type { Decode, Kind } from './campaign.js'

/** One packet in `n`, always the same ones. */
const isOneIn = (n: number, { meta }: PacketLike): boolean => crc32c(meta) % n === 7 % n

/** Of the processor. */
function burn(ms: number): void {
  for (const end = spentMs() + ms; spentMs() < end; );
}

const kept: unknown[] = []
const prototype = Object.prototype as { planted?: true }

export const plants: Record<Kind, (decode: Decode) => Decode> = {
  foreign: decode => (packet, variant) => {
    if (isOneIn(500, packet)) throw new RangeError('planted')
    return decode(packet, variant)
  },
  slow: decode => (packet, variant) => {
    if (isOneIn(5000, packet)) burn(60)
    return decode(packet, variant)
  },
  diverged: decode => (packet, variant) => {
    if (variant === 'plain' && isOneIn(10, packet)) throw new OutbandError('MALFORMED', 'planted')
    return decode(packet, variant)
  },
  unequal: decode => (packet, variant) => {
    const value = decode(packet, variant)
    return variant === 'again' && isOneIn(10, packet) ? [value] : value
  },
  polluted: decode => (packet, variant) => {
    if (isOneIn(5000, packet)) prototype.planted = true
    return decode(packet, variant)
  },
  leaked: decode => (packet, variant) => {
    kept.push(new Float64Array(512))
    return decode(packet, variant)
  },
}

/** Takes back what the plants did to the process. */
export function uproot(): void {
  delete prototype.planted
  kept.length = 0
}
