// Real data for the demo, the fixtures and the bench. The only file that names apache-arrow and
// vega-datasets: both are development dependencies, so they are looked up when a value is asked for.

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const INSTALL = 'npm install --save-dev apache-arrow vega-datasets'

/** A table as plain data: what a receiver needs to read the columns, and one typed array per column. */
export interface ColumnTable {
  readonly schema: readonly { readonly name: string; readonly type: string; readonly nullable: boolean }[]
  readonly rows: number
  readonly columns: Readonly<Record<string, ArrayBufferView>>
}

/** Reads one JSON document of vega-datasets. */
export async function readDocument(file: string): Promise<unknown> {
  return JSON.parse(await readFile(datasetPath(file), 'utf8'))
}

/** Reads one Arrow file of vega-datasets; the columns are windows on the memory of the file. */
export async function readColumns(file: string): Promise<ColumnTable> {
  return (await columnsOf(await readFile(datasetPath(file)))) as ColumnTable
}

/** A table whose columns are lists where their type has no typed array: text, for example. */
export type AnyTable = Omit<ColumnTable, 'columns'> & {
  readonly columns: Readonly<Record<string, ArrayBufferView | readonly unknown[]>>
}

/** Reads a table from Arrow's bytes, of a file or of a stream; typed columns are windows on them where they are one batch. */
export async function columnsOf(ipc: Uint8Array): Promise<AnyTable> {
  const { tableFromIPC } = await import('apache-arrow').catch(missing('apache-arrow'))
  const table = tableFromIPC(ipc)
  const columns = table.schema.fields.map(({ name }) => [name, columnOf(table.getChild(name)!)] as const)
  const schema = table.schema.fields.map(field => ({
    name: field.name,
    type: String(field.type),
    nullable: field.nullable,
  }))
  return { schema, rows: table.numRows, columns: Object.fromEntries(columns) }
}

/** What an Arrow vector has to offer: an array of the machine's where there is one. */
export function columnOf(
  vector: { toArray(): unknown } & Iterable<unknown>,
): ArrayBufferView | readonly unknown[] {
  const array = vector.toArray()
  // Rows and lists of Arrow's are proxies, which nobody could carry.
  return ArrayBuffer.isView(array) ? array : Array.from(vector, plain)
}

const plain = (item: unknown): unknown =>
  typeof item === 'object' && item !== null ? JSON.parse(JSON.stringify(item)) : item

function datasetPath(file: string): string {
  try {
    // The package exports its entry alone; its data lies beside the entry's folder.
    return join(dirname(createRequire(import.meta.url).resolve('vega-datasets')), '..', 'data', file)
  } catch (cause) {
    return missing('vega-datasets')(cause)
  }
}

function missing(name: string): (cause: unknown) => never {
  return cause => {
    throw new Error(`${name} is not installed; the real data needs it: ${INSTALL}`, { cause })
  }
}
