/**
 * The numbers of the metadata stream, version 1. `spec/FORMAT.md` is the specification; these tables and that page say the same.
 *
 * Enums that `tsc` puts into the code as literals: what is imported V8 (Node 20) loads each time, and asks whether it is there yet,
 * and of no such `switch` it makes a jump table. A tensor takes 3 % more so there and back, documents a quarter more to decode
 * (measured).
 */

/** The first three bytes, of which the third has the version in its high half, in the low half which parts there are and whether refs occur. */
export const enum Head {
  MAGIC_0 = 0x4f, // 'O'
  MAGIC_1 = 0x42, // 'B'
  VERSION = 1,
  VERSION_SHIFT = 4,
  HAS_REFS = 1,
  HAS_SHAPES = 2,
  HAS_VIEWS = 4,
  HAS_CHECKSUM = 8,
  /** Room for the longest. */
  MOST_BYTES = 16,
  /** At the end, if there is one. */
  CHECKSUM_BYTES = 4,
}

/**
 * The ops: one byte, then its operands.
 *
 *      0x00–0x3f  integer 0…63 in the op itself
 *      0x40–0x7f  string of 0…63 units
 *      0x80–0x8f  array of 0…15 values
 *      0x90–0xbf  object of shape 0…47
 *      0xc0–…     the constants below
 */
export const enum Op {
  INTS = 64,
  TEXT = 0x40,
  TEXTS = 64,
  ARRAY = 0x80,
  ARRAYS = 16,
  OBJECT = 0x90,
  OBJECTS = 48,

  UNDEFINED = 0xc0,
  NULL = 0xc1,
  FALSE = 0xc2,
  TRUE = 0xc3,
  HOLE = 0xc4,
  I8 = 0xc5,
  I16 = 0xc6,
  I32 = 0xc7,
  F64 = 0xc8,
  BIGINT = 0xc9,
  TEXT_LONG = 0xca,
  TEXT_DEFINE = 0xcb,
  TEXT_REF = 0xcc,
  ARRAY_LONG = 0xcd,
  ARRAY_PROPS = 0xce,
  NUMBERS_I8 = 0xcf,
  NUMBERS_I16 = 0xd0,
  NUMBERS_I32 = 0xd1,
  NUMBERS_F64 = 0xd2,
  OBJECT_LONG = 0xd3,
  OBJECT_NULL = 0xd4,
  MAP = 0xd5,
  SET = 0xd6,
  DATE = 0xd7,
  REGEXP = 0xd8,
  BOXED = 0xd9,
  ERROR = 0xda,
  VIEW = 0xdb,
  CUSTOM = 0xdc,
  REF = 0xdd,
  REF_NUMBERS = 0xde,
}

/** Bytes of each of the numbers of an op from `NUMBERS_I8` to `NUMBERS_F64`: 1, 2, 4 and 8. */
export function numberBytes(op: number): number {
  return 1 << (op - Op.NUMBERS_I8)
}
