/**
 * The ops of the metadata stream, version 1: one byte, then its operands. `spec/FORMAT.md` is the
 * specification; this table and that page say the same.
 *
 *      0x00–0x3f  integer 0…63 in the op itself
 *      0x40–0x7f  string of 0…63 units
 *      0x80–0x8f  array of 0…15 values
 *      0x90–0xbf  object of shape 0…47
 *      0xc0–…     the constants below
 */

export const MAGIC_0 = 0x4f // 'O'
export const MAGIC_1 = 0x42 // 'B'
export const FORMAT_VERSION = 1
/** The third byte: version in the high half, in the low half which parts there are and whether refs occur. */
export const VERSION_SHIFT = 4
export const HAS_REFS = 1
export const HAS_SHAPES = 2
export const HAS_VIEWS = 4
export const HAS_CHECKSUM = 8
export const CHECKSUM_BYTES = 4

export const INTS = 64
export const TEXT = 0x40
export const TEXTS = 64
export const ARRAY = 0x80
export const ARRAYS = 16
export const OBJECT = 0x90
export const OBJECTS = 48

export const UNDEFINED = 0xc0
export const NULL = 0xc1
export const FALSE = 0xc2
export const TRUE = 0xc3
export const HOLE = 0xc4
export const I8 = 0xc5
export const I16 = 0xc6
export const I32 = 0xc7
export const F64 = 0xc8
export const BIGINT = 0xc9
export const TEXT_LONG = 0xca
export const TEXT_DEFINE = 0xcb
export const TEXT_REF = 0xcc
export const ARRAY_LONG = 0xcd
export const ARRAY_PROPS = 0xce
export const NUMBERS_I8 = 0xcf
export const NUMBERS_I16 = 0xd0
export const NUMBERS_I32 = 0xd1
export const NUMBERS_F64 = 0xd2
/** Bytes of a number, by op from `NUMBERS_I8` on. */
export const NUMBERS_BYTES = [1, 2, 4, 8]
export const OBJECT_LONG = 0xd3
export const OBJECT_NULL = 0xd4
export const MAP = 0xd5
export const SET = 0xd6
export const DATE = 0xd7
export const REGEXP = 0xd8
export const BOXED = 0xd9
export const ERROR = 0xda
export const VIEW = 0xdb
export const CUSTOM = 0xdc
export const REF = 0xdd
export const REF_NUMBERS = 0xde

/** Built-in error classes by their number on the wire. */
export const ERROR_CLASSES = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
] as const
export const AGGREGATE = ERROR_CLASSES.length - 1
/** Which of an error's own properties follow, in this order. */
export const ERROR_NAME = 1
export const ERROR_MESSAGE = 2
export const ERROR_STACK = 4
export const ERROR_CAUSE = 8
export const ERROR_ERRORS = 16
export const ERROR_FIELDS = 32
/** Their keys, by bit; the first of them hold strings. */
export const ERROR_KEYS = ['name', 'message', 'stack', 'cause', 'errors'] as const
export const ERROR_STRINGS = 3
