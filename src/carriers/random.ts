/** How many `randomBytes` are. */
export const RANDOM_BYTES = 16

/** 128 random bits: an AudioWorklet has no better ones, and what they name is known to the two ends of a port alone. */
export function randomBytes(): Uint8Array {
  const bytes = new Uint8Array(RANDOM_BYTES)
  if (typeof crypto === 'undefined') bytes.set(Array.from(bytes, () => Math.random() * 256))
  else crypto.getRandomValues(bytes)
  return bytes
}
