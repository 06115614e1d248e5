/**
 * Custom types for Apache Arrow's tables (the package `apache-arrow`, which the caller hands over). The schema travels as
 * Arrow's own message, the columns as the buffers that they are: nothing is copied, as `tableToIPC` would, and the
 * receiver's columns lie on what arrived.
 */
import { expectArgument, expectObject } from '../errors.js'
import { type CustomType, defineType } from '../registry.js'

type Class = abstract new (...args: never[]) => unknown

/** What is needed of `apache-arrow`: `import * as arrow from 'apache-arrow'`. */
export interface ArrowPackage {
  readonly Table: Class
  readonly RecordBatch: Class
  readonly Vector: Class
  readonly Data: Class
  readonly Schema: Class
  readonly Field: Class
  readonly Struct: Class
  readonly tableToIPC: (table: never) => Uint8Array
  readonly tableFromIPC: (bytes: never) => unknown
}

interface DataType {
  readonly children: readonly Field[] | null
  /** Of a dictionary, the type of its values. */
  readonly dictionary?: DataType
}
interface Field {
  readonly type: DataType
}
interface Schema {
  readonly fields: readonly Field[]
}
interface Data {
  readonly type: DataType
  readonly length: number
  readonly offset: number
  /** −1 where nobody has counted yet. */
  readonly _nullCount?: number
  readonly valueOffsets: ArrayBufferView | undefined
  readonly values: ArrayBufferView | undefined
  readonly nullBitmap: ArrayBufferView | undefined
  readonly typeIds: ArrayBufferView | undefined
  /** Arrow leaves columns of no rows as vectors, each of one empty part. */
  readonly children: readonly (Data | Vector)[]
  readonly dictionary?: Vector
  readonly variadicBuffers?: readonly Uint8Array[]
}
interface Vector {
  readonly type: DataType
  readonly data: readonly Data[]
}
interface RecordBatch {
  readonly schema: Schema
  readonly data: Data
  /** Of the batch itself; from Arrow 21 on. */
  readonly metadata?: ReadonlyMap<string, string>
}
interface Table {
  readonly schema: Schema
  readonly batches: readonly RecordBatch[]
}

/** The package as it is used here; its own types cannot be named without it. */
interface Arrow {
  readonly Table: new (schema: Schema, batches?: readonly RecordBatch[]) => Table
  readonly RecordBatch: new (
    schema: Schema,
    data: Data,
    metadata?: ReadonlyMap<string, string>,
  ) => RecordBatch
  readonly Vector: new (data: readonly Data[]) => Vector
  readonly Data: new (
    type: DataType,
    offset: number,
    length: number,
    nullCount: number,
    buffers: Readonly<Record<number, ArrayBufferView | undefined>>,
    children: readonly Data[],
    dictionary: Vector | undefined,
    variadicBuffers: readonly Uint8Array[],
  ) => Data
  readonly Schema: new (fields: readonly Field[]) => Schema
  readonly Field: new (name: string, type: DataType, nullable: boolean) => Field
  readonly Struct: new (fields: readonly Field[]) => DataType
  readonly tableToIPC: (table: Table) => Uint8Array
  readonly tableFromIPC: (bytes: Uint8Array) => Table
}

/** A column, or a part of one, without its type: that is the schema's. */
interface Column {
  readonly length: number
  readonly offset: number
  readonly nullCount: number
  /** Offsets, values, validity, type ids. */
  readonly buffers: readonly (ArrayBufferView | undefined)[]
  readonly children: readonly Column[]
  readonly dictionary: readonly Column[] | undefined
  readonly variadic: readonly Uint8Array[]
}
/** Through a pickle a Map of text arrives as an object, and undefined as null. */
type Labels = ReadonlyMap<string, string> | Readonly<Record<string, string>>
/** Chunks of one type; those of a table are structs of its columns. */
interface Chunks {
  /** Arrow's message of the schema. */
  readonly schema: Uint8Array
  readonly chunks: readonly Column[]
  /** Of each chunk, where they are batches. */
  readonly metadata?: readonly (Labels | null | undefined)[]
}

/** What Arrow calls its buffers, in the order of its `BufferType`. */
const buffersOf = (data: Data) => [data.valueOffsets, data.values, data.nullBitmap, data.typeIds]

/** Takes columns apart. A dictionary that batches share is one object, which travels once. */
class Reducer {
  readonly #dictionaries = new Map<Vector, readonly Column[]>()

  columns(data: readonly (Data | Vector)[]): readonly Column[] {
    return data.map(part => this.#column('data' in part ? part.data[0] : part))
  }

  #column(data: Data): Column {
    return {
      length: data.length,
      offset: data.offset,
      nullCount: data._nullCount ?? -1,
      buffers: buffersOf(data),
      children: this.columns(data.children),
      dictionary: data.dictionary && this.#dictionary(data.dictionary),
      variadic: data.variadicBuffers ?? [],
    }
  }

  #dictionary(vector: Vector): readonly Column[] {
    const known = this.#dictionaries.get(vector)
    if (known !== undefined) return known
    const columns = this.columns(vector.data)
    this.#dictionaries.set(vector, columns)
    return columns
  }
}

/** The mirror. */
class Rebuilder {
  readonly #arrow: Arrow
  readonly #dictionaries = new Map<readonly Column[], Vector>()

  constructor(arrow: Arrow) {
    this.#arrow = arrow
  }

  column(type: DataType, column: Column): Data {
    const { length, offset, nullCount, buffers, children, dictionary, variadic } = column
    return new this.#arrow.Data(
      type,
      offset,
      length,
      nullCount,
      { ...buffers },
      children.map((child, i) => this.column(typeAt(type, i), child)),
      dictionary && this.#dictionary(type.dictionary, dictionary),
      variadic,
    )
  }

  #dictionary(type: DataType | undefined, columns: readonly Column[]): Vector {
    if (type === undefined) throw new TypeError('a dictionary where the schema has none')
    const known = this.#dictionaries.get(columns)
    if (known !== undefined) return known
    const vector = new this.#arrow.Vector(columns.map(column => this.column(type, column)))
    this.#dictionaries.set(columns, vector)
    return vector
  }
}

function labelsOf(said: Labels): ReadonlyMap<string, string> {
  return said instanceof Map ? said : new Map(Object.entries(said))
}

function typeAt({ children }: DataType, i: number): DataType {
  const field = children?.[i]
  if (field === undefined) throw new TypeError('a column that the schema has not')
  return field.type
}

/**
 * Types for the tables, record batches and vectors of this copy of Apache Arrow: `registry(...arrowTypes(arrow))`. Chunks,
 * slices, nulls, dictionaries and nested types stay what they are.
 *
 * Memory: encode borrows the columns' buffers, which go out of band as any other; those of the receiver lie on what arrived.
 *
 * Arrow reads its schema without checking it, so these are `unverified`: between threads and one's own processes they
 * travel as they are, from sockets and files only with `limits: { unverified: true }`, for peers that are trusted.
 * @throws TypeError for what is not the package
 */
export function arrowTypes(arrow: ArrowPackage): readonly CustomType[] {
  expectObject(arrow, 'arrowTypes')
  expectArgument(
    typeof arrow.Table === 'function' && typeof arrow.tableToIPC === 'function',
    'arrowTypes',
    "the package 'apache-arrow', as import * as arrow gives it",
  )
  const known = arrow as unknown as Arrow
  const { Table, RecordBatch, Vector, Schema, Field, Struct } = known
  const written = new WeakMap<Schema, Uint8Array>()

  function schemaBytes(schema: Schema): Uint8Array {
    const bytes = written.get(schema) ?? known.tableToIPC(new Table(schema))
    written.set(schema, bytes)
    return bytes
  }

  const partsOf = (schema: Schema, batches: readonly RecordBatch[]): Chunks => ({
    schema: schemaBytes(schema),
    chunks: new Reducer().columns(batches.map(({ data }) => data)),
    metadata: batches.map(({ metadata }) => metadata),
  })

  function tableOf({ schema: bytes, chunks, metadata }: Chunks): Table {
    const { schema } = known.tableFromIPC(bytes)
    const rebuilder = new Rebuilder(known)
    const rows = new Struct(schema.fields)
    const batches = chunks.map((chunk, i) => {
      const data = rebuilder.column(rows, chunk)
      const said = metadata?.[i]
      // Before Arrow 21 three arguments are one too many.
      return said ? new RecordBatch(schema, data, labelsOf(said)) : new RecordBatch(schema, data)
    })
    return new Table(schema, batches)
  }

  return Object.freeze([
    defineType<Table, Chunks>({
      class: Table,
      tag: 'arrow.Table',
      unverified: true,
      reduce: ({ schema, batches }) => partsOf(schema, batches),
      rebuild: tableOf,
    }),
    defineType<RecordBatch, Chunks>({
      class: RecordBatch,
      tag: 'arrow.RecordBatch',
      unverified: true,
      reduce: batch => partsOf(batch.schema, [batch]),
      rebuild: parts => tableOf(parts).batches[0] as RecordBatch,
    }),
    defineType<Vector, Chunks>({
      class: Vector,
      tag: 'arrow.Vector',
      unverified: true,
      reduce: ({ type, data }) => ({
        schema: schemaBytes(new Schema([new Field('', type, true)])),
        chunks: new Reducer().columns(data),
      }),
      rebuild: ({ schema, chunks }) => {
        const rebuilder = new Rebuilder(known)
        const { type } = known.tableFromIPC(schema).schema.fields[0] as Field
        return new Vector(chunks.map(chunk => rebuilder.column(type, chunk)))
      },
    }),
  ])
}
