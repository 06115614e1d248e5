/** Decoders inside each other: one that a type's `rebuild` starts goes on with the depth of the one at work. */

interface Nested {
  readonly depth: number
}

let active: Nested | undefined

/** Notes the decoder at work and returns the one before, to be given back to `leave`. */
export function enterDecoder(decoder: Nested): Nested | undefined {
  const outer = active
  active = decoder
  return outer
}

export function leaveDecoder(outer: Nested | undefined): void {
  active = outer
}
