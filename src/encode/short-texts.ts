/**
 * Short strings of small messages that come again at the same place (the name of a method, of a type): their bytes are kept, as
 * floats of eight, which take ten instructions each to write, where a unit of a string takes fifty. Of a small call encode takes
 * 5 % less so, of a tensor 3 % (measured). The mirror of `decode/short-texts.ts`.
 */
import { doublesOf, NO_DOUBLES } from '../bytes/doubles.js'
import { writeShort } from '../bytes/text.js'

/** Units of the longest that is kept. */
export const LONGEST = 16
/** Not zeros: floats of little else are none to `doublesOf`. */
const PADDING = 0x20

/** The units as bytes, padded to a multiple of eight; none where one is wide. */
export function textDoubles(text: string): Float64Array {
  const bytes = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(PADDING)
  return writeShort(bytes, 0, text) ? doublesOf(bytes) : NO_DOUBLES
}

/**
 * The string as the key of an object. It is no slice, which would keep the caller's whole text alive; and constants, and what JSON.parse
 * makes of short text, are the same string to V8, which then compares no units.
 */
export function asKey(text: string): string {
  const object: Record<string, true> = Object.create(null)
  object[text] = true
  return Object.keys(object)[0]
}
