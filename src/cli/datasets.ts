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
  const { tableFromIPC } = await import('apache-arrow').catch(missing('apache-arrow'))
  const table = tableFromIPC(await readFile(datasetPath(file)))
  const columns: Record<string, ArrayBufferView> = {}
  for (const { name } of table.schema.fields) {
    columns[name] = table.getChild(name)?.toArray() as ArrayBufferView
  }
  const schema = table.schema.fields.map(field => ({
    name: field.name,
    type: String(field.type),
    nullable: field.nullable,
  }))
  return { schema, rows: table.numRows, columns }
}

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
