// What piscina's threads run for ports.ts.

import { threadNumber } from './cpu.js'

export const take = (_: unknown): void => {}
export const echo = (value: unknown): unknown => value
export const thread = (): number => threadNumber()
