/**
 * Text may begin with U+FEFF, which is a letter of it like any other. Where the libraries have no native addon (browsers
 * never have one) they read long text by a TextDecoder that takes it for a mark, and drops it: two keys can become one.
 */

/** Whether the bytes that begin here are U+FEFF in UTF-8. */
export function isByteOrderMark(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf
}
