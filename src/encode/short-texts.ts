/**
 * Short strings of small messages that come again at the same place (the name of a method, of a type): their bytes are kept, as
 * floats of eight, which take ten instructions each to write, where a unit of a string takes fifty. The mirror of
 * `decode/short-texts.ts`.
 */
import { doublesOf, NO_DOUBLES } from '../bytes/doubles.js'
import { readText, writeShort } from '../bytes/text.js'

/** Units of the longest that is kept. */
export const LONGEST = 16
/** Not zeros: floats of little else are none to `doublesOf`. */
const PADDING = 0x20

export interface ShortText {
  readonly text: string
  /** The units as bytes, padded to a multiple of eight. */
  readonly doubles: Float64Array
}

/** No string: such an one has no bytes to write. */
export const NO_TEXT: ShortText = { text: '', doubles: NO_DOUBLES }

/**
 * A copy of the string: a slice would keep the caller's whole text alive, and to take it for a key makes V8 change the caller's own
 * string, with which other libraries took 1.7 times as long (measured). None of wide text.
 */
export function shortText(text: string): ShortText {
  const bytes = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(PADDING)
  if (!writeShort(bytes, 0, text)) return NO_TEXT
  return { text: readText(bytes, 0, text.length, false), doubles: doublesOf(bytes) }
}
