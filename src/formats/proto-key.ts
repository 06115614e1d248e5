/**
 * Libraries rename the key `__proto__`. Before one of them reads the bytes it is written over by a name of the same length
 * that occurs nowhere in them, and `Lower` gives it its own name back.
 */
const UNITS = Uint8Array.from('__proto__', unit => unit.charCodeAt(0))
const LENGTH = UNITS.length

/** Whether a key of so many bytes that begins here is one of them. */
export function isProtoKey(bytes: Uint8Array, start: number, byteLength: number): boolean {
  return byteLength === LENGTH && UNITS.every((unit, i) => bytes[start + i] === unit)
}

/** Writes over the keys that begin at these places and returns what they are called now; undefined when there are none. */
export function hideProtoKeys(bytes: Uint8Array, places: readonly number[]): string | undefined {
  if (places.length === 0) return undefined
  const units = new Uint8Array(LENGTH)
  // At random: nobody can put all names there are into a message, nor guess the one that is taken.
  do for (let i = 0; i < LENGTH; i++) units[i] = 0x61 + Math.floor(Math.random() * 26)
  while (includes(bytes, units))
  for (const place of places) bytes.set(units, place)
  return String.fromCharCode(...units)
}

function includes(bytes: Uint8Array, units: Uint8Array): boolean {
  for (let at = bytes.indexOf(units[0]); at >= 0; at = bytes.indexOf(units[0], at + 1)) {
    let i = 1
    while (i < LENGTH && bytes[at + i] === units[i]) i++
    if (i === LENGTH) return true
  }
  return false
}
