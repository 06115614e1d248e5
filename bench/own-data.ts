// The user's own data as workloads: a JSON document is itself, an Arrow table its columns.

import { readFile } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import type { Workload } from '../fixtures/workloads.js'
import { columnsOf } from '../src/cli/datasets.js'

const READERS: Readonly<Record<string, Pick<Workload, 'kind'> & { read(path: string): Promise<unknown> }>> = {
  '.json': { kind: 'document', read: async path => JSON.parse(await readFile(path, 'utf8')) },
  '.arrow': { kind: 'table', read: async path => columnsOf(await readFile(path)) },
  '.feather': { kind: 'table', read: async path => columnsOf(await readFile(path)) },
}

/**
 * A workload for each file, named as the file, or by its whole path where two have one name.
 *
 * @throws TypeError when a name ends in nothing that can be read
 */
export function ownWorkloads(files: readonly string[]): Workload[] {
  const paths = [...new Set(files.map(file => resolve(file)))]
  const names = paths.map(path => basename(path))
  return paths.map((path, i) => {
    const reader = READERS[extname(path).toLowerCase()]
    if (!reader) throw new TypeError(`--file takes ${Object.keys(READERS).join(', ')}, got ${path}`)
    const isAlone = names.filter(name => name === names[i]).length === 1
    return {
      name: isAlone ? names[i]! : path,
      kind: reader.kind,
      about: path,
      make: () => reader.read(path).catch(error => unreadable(path, error)),
    }
  })
}

function unreadable(path: string, cause: unknown): never {
  const why = cause instanceof Error ? cause.message : String(cause)
  throw new TypeError(`--file ${path}: ${why}`, { cause })
}
