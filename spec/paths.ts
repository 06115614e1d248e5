/** Where the specs are, and which there are. */
import { readdirSync } from 'node:fs'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const folder = fileURLToPath(new URL('.', import.meta.url))

/** Those whose path in that folder matches, in order. */
export function specsLike(pattern: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(path => path.replaceAll(sep, '/'))
    .filter(path => path.endsWith('.spec.js') && pattern.test(path))
    .sort()
}
