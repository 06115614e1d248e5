// What piscina's threads run for ports.ts.

export const take = (_: unknown): void => {}
export const echo = (value: unknown): unknown => value
