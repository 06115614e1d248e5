/**
 * The opcodes of Python's pickle machine, protocols 0 to 5, by the names that CPython's `pickletools` gives them. The
 * machine has a stack, marks on it, and a memo; `spec/PICKLE.md` says which of them are written.
 */

// Protocol 0: text up to a newline.
export const MARK = 0x28 // push a mark
export const STOP = 0x2e // the top is the value
export const POP = 0x30 // drop the top, or the mark
export const FLOAT = 0x46 // text
export const INT = 0x49 // text; 00 and 01 are False and True
export const LONG = 0x4c // text, mostly with an L behind it
export const NONE = 0x4e
export const PERSID = 0x50 // text
export const REDUCE = 0x52 // callable, tuple -> callable(*tuple)
export const STRING = 0x53 // quoted text of Python 2
export const UNICODE = 0x56 // text with \u escapes
export const APPEND = 0x61
export const BUILD = 0x62 // object, state -> object
export const GLOBAL = 0x63 // two lines: module, name
export const DICT = 0x64 // mark, pairs -> dict
export const GET = 0x67 // text
export const INST = 0x69 // mark, arguments; two lines
export const LIST = 0x6c // mark, items -> list
export const PUT = 0x70 // text
export const SETITEM = 0x73
export const TUPLE = 0x74 // mark, items -> tuple

// Protocol 1
export const POP_MARK = 0x31
export const DUP = 0x32
export const BINFLOAT = 0x47 // f64, big-endian
export const BININT = 0x4a // i32
export const BININT1 = 0x4b // u8
export const BININT2 = 0x4d // u16
export const BINPERSID = 0x51
export const BINSTRING = 0x54 // i32 length, bytes
export const SHORT_BINSTRING = 0x55 // u8 length, bytes
export const BINUNICODE = 0x58 // u32 length, UTF-8
export const EMPTY_LIST = 0x5d
export const APPENDS = 0x65 // list, mark, items
export const BINGET = 0x68 // u8
export const LONG_BINGET = 0x6a // u32
export const OBJ = 0x6f // mark, class, arguments
export const BINPUT = 0x71 // u8
export const LONG_BINPUT = 0x72 // u32
export const EMPTY_TUPLE = 0x29
export const SETITEMS = 0x75 // dict, mark, pairs
export const EMPTY_DICT = 0x7d

// Protocol 2
export const PROTO = 0x80 // u8
export const NEWOBJ = 0x81 // class, tuple -> class.__new__(class, *tuple)
export const EXT1 = 0x82 // u8
export const EXT2 = 0x83 // u16
export const EXT4 = 0x84 // i32
export const TUPLE1 = 0x85
export const TUPLE2 = 0x86
export const TUPLE3 = 0x87
export const NEWTRUE = 0x88
export const NEWFALSE = 0x89
export const LONG1 = 0x8a // u8 length, two's complement
export const LONG4 = 0x8b // i32 length, two's complement

// Protocol 3
export const BINBYTES = 0x42 // u32 length
export const SHORT_BINBYTES = 0x43 // u8 length

// Protocol 4
export const SHORT_BINUNICODE = 0x8c // u8 length
export const BINUNICODE8 = 0x8d // u64 length
export const BINBYTES8 = 0x8e // u64 length
export const EMPTY_SET = 0x8f
export const ADDITEMS = 0x90 // set, mark, items
export const FROZENSET = 0x91 // mark, items
export const NEWOBJ_EX = 0x92 // class, tuple, dict
export const STACK_GLOBAL = 0x93 // module, name
export const MEMOIZE = 0x94 // the top gets the next number
export const FRAME = 0x95 // u64 length: so many bytes belong together

// Protocol 5
export const BYTEARRAY8 = 0x96 // u64 length
export const NEXT_BUFFER = 0x97
export const READONLY_BUFFER = 0x98

/** The protocol that is written, and the highest that is read. */
export const PROTOCOL = 5
