/**
 * Tables of FlatBuffers, with the classes that `flatc` makes: the bytes travel as one buffer out of band, and a table is
 * ready to read where they arrive, nothing decoded, nothing copied. Works in every format, for it is a custom type.
 *
 * Accessors of those classes check nothing: past the end they read 0 or the bytes of a neighbour. What can be told without
 * the schema is checked (the table, its vtable and the places of its fields), what lies behind its fields is not: trusted
 * peers only, `limits.unverified`.
 */
import { expectObject } from '../errors.js'
import { outOfBand } from '../out-of-band.js'
import { type CustomType, defineType } from '../registry.js'
import { ByteBuffer } from './flatbuffers-package.js'

/** What classes made by `flatc` have in common. */
interface Table {
  bb: ByteBuffer | null
  bb_pos: number
  __init(at: number, bytes: ByteBuffer): unknown
}

/** Which tables travel, and what they are called on the wire. */
export interface TableDefinition<T extends Table> {
  readonly tag: string
  /** A class that `flatc --ts` made for a table (not for a struct). */
  readonly class: new () => T
}

interface TableParts {
  readonly bytes: Uint8Array
  /** Where the table is in its bytes: any table of a buffer can be sent, not only its root. */
  readonly at: number
  /** No elements, but aligned as the bytes are: these alone would be left where they arrive, wherever that is. */
  readonly aligned: Float64Array | Float32Array | undefined
  /** Where the root's place is in the bytes, if they begin with their length. */
  readonly position?: number
}

const PREFIX_BYTES = 4

/**
 * A custom type for tables of this class. What is sent is the buffer from its position on, whole, whichever of its tables
 * is meant: several tables of one buffer in a message share it, there and here.
 *
 * Memory: encode borrows; the table that arrives lies on the buffer of the packet (borrow), or on a copy if it came in band or
 * lies there where its numbers are not aligned.
 *
 * @throws TypeError as `defineType` does
 */
export function tableType<T extends Table>(definition: TableDefinition<T>): CustomType<T> {
  expectObject(definition, 'tableType')
  const { tag, class: TableClass } = definition
  return defineType<T, unknown>({
    tag,
    class: TableClass,
    unverified: true,
    reduce: ({ bb, bb_pos }) => {
      if (bb === null) throw new TypeError(`tableType ${tag}: wanted a table with its bytes`)
      const position = bb.position()
      const start = position - prefixBytes(bb)
      const bytes = bb.bytes().subarray(start)
      const parts = { at: bb_pos - start, bytes: outOfBand(bytes), aligned: alignedAs(bytes) }
      return start === position ? parts : { ...parts, position: position - start }
    },
    rebuild: parts => {
      const { bytes, at, position } = parts as TableParts
      expectTable(bytes, at)
      const table = new TableClass()
      const bb = new ByteBuffer(bytes)
      if (position === PREFIX_BYTES) bb.setPosition(position)
      table.__init(at, bb)
      return table
    },
  })
}

/** Bytes of the length before a root that `finishSizePrefixed` made: this is what is aligned, the root four bytes behind it is not. */
function prefixBytes(bb: ByteBuffer): number {
  const position = bb.position()
  const isPrefixed =
    position >= PREFIX_BYTES && bb.readInt32(position - PREFIX_BYTES) === bb.capacity() - position
  return isPrefixed ? PREFIX_BYTES : 0
}

/** `flatc`'s accessors of whole vectors make typed arrays on the bytes, which throw where they are not aligned. */
function alignedAs({ buffer, byteOffset }: Uint8Array): TableParts['aligned'] {
  if (byteOffset % 8 === 0) return new Float64Array(buffer, byteOffset, 0)
  return byteOffset % 4 === 0 ? new Float32Array(buffer, byteOffset, 0) : undefined
}

/**
 * A table begins with the distance back to its vtable: u16 bytes of the vtable · u16 bytes of the table · u16 place of each
 * field, 0 for one that it lacks. @throws RangeError
 */
function expectTable(bytes: unknown, at: unknown): void {
  if (!(bytes instanceof Uint8Array) || typeof at !== 'number')
    throw new RangeError('wanted bytes and a place')
  // The view's own checks are those that the package lacks.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const vtable = at - view.getInt32(at, true)
  const vtableBytes = view.getUint16(vtable, true)
  const tableBytes = view.getUint16(vtable + 2, true)
  const isRight = vtableBytes >= 4 && vtableBytes % 2 === 0 && tableBytes >= 4
  if (!isRight || vtable + vtableBytes > bytes.length || at + tableBytes > bytes.length)
    throw new RangeError('a table that its bytes do not hold')
  for (let field = vtable + 4; field < vtable + vtableBytes; field += 2) {
    if (view.getUint16(field, true) >= tableBytes)
      throw new RangeError('a field that its table does not hold')
  }
}
