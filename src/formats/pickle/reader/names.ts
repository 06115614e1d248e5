/**
 * The list of what a pickle may name. What is not on it, nor given by the caller, is refused when its name is read,
 * whatever would have been done with it: nothing is ever looked up or called by a name that came in a pickle but here.
 */

import * as dtypes from './dtypes.js'
import { SCALAR_NAMES } from './dtypes.js'
import type { Machine } from './machine.js'
import * as numpy from './numpy.js'
import * as stdlib from './stdlib.js'

/** Makes what stands for an object of Python. */
export type Make = (machine: Machine, args: readonly unknown[]) => unknown

/** What may become of a name: it is called here, kept with its arguments, or may stand as an argument alone. */
export type Known = Make | 'kept' | 'named'

const BUILTIN_CLASSES = 'int float bool str list dict tuple object type NoneType'
const BUILTIN_OBJECTS = 'complex range slice type Ellipsis NotImplemented'
const EXCEPTIONS = `BaseException Exception ArithmeticError AssertionError AttributeError BlockingIOError
  BrokenPipeError BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError
  ConnectionRefusedError ConnectionResetError DeprecationWarning EOFError EncodingWarning EnvironmentError
  ExceptionGroup BaseExceptionGroup FileExistsError FileNotFoundError FloatingPointError FutureWarning GeneratorExit
  IOError ImportError ImportWarning IndentationError IndexError InterruptedError IsADirectoryError KeyError
  KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError NotADirectoryError NotImplementedError
  OSError OverflowError PendingDeprecationWarning PermissionError ProcessLookupError RecursionError
  PythonFinalizationError ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration
  StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError TypeError UnboundLocalError
  UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning UserWarning ValueError
  Warning ZeroDivisionError`
const PATHS = 'PurePath PurePosixPath PureWindowsPath Path PosixPath WindowsPath'
const ADDRESSES = `IPv4Address IPv6Address IPv4Network IPv6Network IPv4Interface IPv6Interface`

function all(module: string, names: string, known: Known): [string, Known][] {
  return names.split(/\s+/).map(name => [`${module}.${name}`, known])
}

export const KNOWN: ReadonlyMap<string, Known> = new Map<string, Known>([
  ...all('builtins', BUILTIN_CLASSES, 'named'),
  ...all('builtins', BUILTIN_OBJECTS, 'kept'),
  ...all('builtins', EXCEPTIONS, 'kept'),
  ['builtins.set', stdlib.set],
  ['builtins.frozenset', stdlib.set],
  ['builtins.bytes', stdlib.bytes],
  ['builtins.bytearray', stdlib.bytearray],
  ['_codecs.encode', stdlib.encode],
  ['array.array', stdlib.array],
  ['array._array_reconstructor', stdlib.arrayReconstructor],
  ['collections.OrderedDict', stdlib.dict],
  ['collections.defaultdict', stdlib.dict],
  ['collections.Counter', stdlib.counter],
  ['collections.deque', stdlib.deque],
  ...all('collections', 'ChainMap UserDict UserList UserString', 'kept'),
  ['datetime.datetime', stdlib.datetime],
  ['datetime.date', stdlib.date],
  ['datetime.time', stdlib.time],
  ...all('datetime', 'timedelta timezone', 'kept'),
  ...all('zoneinfo', 'ZoneInfo ZoneInfo._unpickle', 'kept'),
  ['decimal.Decimal', 'kept'],
  ['fractions.Fraction', 'kept'],
  ...all('uuid', 'UUID SafeUUID', 'kept'),
  ...all('pathlib', PATHS, 'kept'),
  ...all('ipaddress', ADDRESSES, 'kept'),
  ['types.SimpleNamespace', 'kept'],
  ['numpy.dtype', dtypes.dtype],
  ['numpy.frombuffer', numpy.fromBuffer],
  ['numpy.reshape', numpy.reshape],
  ['numpy.ndarray', numpy.ndarray],
  ['numpy.core.numeric._frombuffer', numpy.fromBufferWithShape],
  ['numpy.core.multiarray.scalar', numpy.scalar],
  // Subclasses of ndarray, which `_reconstruct` names: unless the caller lists them, what they add is left out.
  ...all('numpy', 'matrix recarray memmap chararray', 'named'),
  ...SCALAR_NAMES.map((name): [string, Known] => [name, 'named']),
])
