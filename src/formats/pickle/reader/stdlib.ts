/** What pickles of Python's own library call, where JavaScript has a counterpart: dates, bytes, sets, dicts, arrays. */
import { markReadonly } from '../../../out-of-band.js'
import { midnight } from '../../dates.js'
import { type Layout, parseDtype } from '../dtype.js'
import { PythonObject } from '../objects.js'
import { markBytearray } from '../origins.js'
import { arrayOf } from './arrays.js'
import { addMembers, newSet, PendingDict } from './dicts.js'
import { FIELD, type Machine } from './machine.js'
import { bytesOf } from './numpy.js'

const DAY_MICROS = 86_400e6

/** Ten bytes, see the writer. Without a zone it is taken for UTC; of one that only Python knows it is kept. */
export function datetime(machine: Machine, args: readonly unknown[]): unknown {
  const [[year, month, day, ...clock], rest] = numbersOf(machine, args, 3 + CLOCK)
  const offset = offsetOf(args[rest])
  const midnightMs = dayOf(machine, year, month, day)
  const [hour, minute, second, micros] = clockOf(machine, clock)
  if (offset === undefined) return new PythonObject('datetime.datetime', args)
  const seconds = (hour * 60 + minute) * 60 + second
  return new Date(midnightMs + seconds * 1000 + Math.floor((micros - offset) / 1000))
}

/** Four bytes: its midnight in UTC. */
export function date(machine: Machine, args: readonly unknown[]): Date {
  const [[year, month, day]] = numbersOf(machine, args, 3)
  return new Date(dayOf(machine, year, month, day))
}

/** Six bytes, as numbers: hour, minute, second, microsecond, and a zone. */
export function time(machine: Machine, args: readonly unknown[]): PythonObject {
  const [clock, rest] = numbersOf(machine, args, CLOCK)
  return new PythonObject('datetime.time', [...clockOf(machine, clock), ...machine.copyOf(args, rest)])
}

/** Hour, minute, second and microsecond, at most. */
const MOST = [23, 59, 59, 999_999]
const CLOCK = MOST.length

/**
 * The numbers of a day, of a time of day or of both, and how many arguments they take. Python writes them as bytes, a year in
 * two and microseconds in three. Its classes take numbers too, which is how a time that was kept is sent back.
 */
function numbersOf(
  machine: Machine,
  args: readonly unknown[],
  count: number,
): readonly [numbers: readonly number[], rest: number] {
  if (typeof args[0] === 'number') return [args.slice(0, count).map(number => machine.integer(number)), count]
  const hasDay = count !== CLOCK
  const hasClock = count >= CLOCK
  const numbers = [...fixed(machine, args[0], count + (hasDay ? 1 : 0) + (hasClock ? 2 : 0))]
  if (hasDay) numbers.splice(0, 2, numbers[0] * 256 + numbers[1])
  if (!hasClock) return [numbers, 1]
  const [high, middle, low] = numbers.splice(-3)
  numbers.push(high * 65_536 + middle * 256 + low)
  // The highest bit of the month, or of the hour, tells the second of two equal hours, which the offset tells too.
  numbers[hasDay ? 1 : 0] &= 127
  return [numbers, 1]
}

/** Milliseconds of a day's midnight in UTC. @throws MALFORMED for a day that Python has not, as its constructors do */
function dayOf(machine: Machine, year: number, month: number, day: number): number {
  const timeMs = midnight(year, month, day)
  if (year < 1 || year > 9999 || timeMs === undefined) throw machine.malformed('a date that is none')
  return timeMs
}

/** Hour, minute, second and microsecond. @throws MALFORMED for a time that Python has not */
function clockOf(machine: Machine, numbers: readonly number[]): readonly number[] {
  const clock = MOST.map((_, i) => numbers[i] ?? 0)
  if (clock.some((number, i) => number < 0 || number > MOST[i]))
    throw machine.malformed('a time that is none')
  return clock
}

/** Microseconds that a `datetime.timezone` is ahead of UTC; `undefined` for zones of other kinds. */
function offsetOf(zone: unknown): number | undefined {
  if (zone === undefined || zone === null) return 0
  const delta = zone instanceof PythonObject && zone.name === 'datetime.timezone' ? zone.args[0] : undefined
  if (!(delta instanceof PythonObject) || delta.name !== 'datetime.timedelta') return undefined
  const [days, seconds, micros] = delta.args
  if (typeof days !== 'number' || typeof seconds !== 'number' || typeof micros !== 'number') return undefined
  const offset = days * DAY_MICROS + seconds * 1e6 + micros
  return Math.abs(offset) < DAY_MICROS ? offset : undefined
}

function fixed(machine: Machine, given: unknown, byteLength: number): Uint8Array {
  const bytes = bytesOf(machine, given)
  if (bytes.length !== byteLength) throw machine.malformed(`${byteLength} bytes wanted`)
  return bytes
}

/** `set([…])` and `frozenset([…])` */
export function set(machine: Machine, args: readonly unknown[]): Set<unknown> {
  const [members = []] = args
  const list = members instanceof Set ? [...members] : members
  if (!Array.isArray(list)) throw machine.malformed('members that are no list')
  machine.copy(list.length)
  const made = newSet(machine)
  addMembers(machine, made, list)
  return made
}

/** `bytearray(b'…')` and `bytes()`, a copy that is counted like bytes of the pickle. */
export function bytearray(machine: Machine, args: readonly unknown[]): Uint8Array {
  if (args.length === 0) return new Uint8Array(machine.noBytes)
  const bytes = bytesOf(machine, args[0])
  machine.countBuffer(bytes.length)
  machine.copy(bytes.length)
  const made = new Uint8Array(bytes)
  if (machine.isKeeping) markBytearray(made)
  return made
}

export function bytes(machine: Machine, args: readonly unknown[]): Uint8Array {
  const made = bytearray(machine, args)
  markReadonly(made)
  return made
}

/** `_codecs.encode('…', 'latin1')`: bytes where the protocol has none. */
export function encode(machine: Machine, args: readonly unknown[]): Uint8Array {
  const [text, encoding] = args
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1'))
    throw machine.malformed('text in another encoding than latin1')
  machine.countBuffer(text.length)
  const made = bytesOf(machine, text)
  markReadonly(made)
  return made
}

/** `OrderedDict()`, of Python 2 with a list of pairs; `defaultdict(factory)`, whose factory is left out. */
export function dict(machine: Machine, args: readonly unknown[]): PendingDict {
  const made = new PendingDict(machine)
  const [pairs] = args
  if (!Array.isArray(pairs)) return made
  machine.copy(pairs.length * FIELD)
  const start = machine.size
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) throw machine.malformed('pairs that are none')
    machine.push(pair[0], 0)
    machine.push(pair[1], 0)
  }
  made.update(machine, start)
  machine.dropFrom(start)
  return made
}

/** `Counter({…})` */
export function counter(machine: Machine, args: readonly unknown[]): unknown {
  return args.length === 0 ? new PendingDict(machine) : only(machine, args, 'object')
}

function only(machine: Machine, args: readonly unknown[], type: string): unknown {
  if (args.length !== 1 || typeof args[0] !== type || args[0] === null)
    throw machine.malformed('other arguments')
  return args[0]
}

/** `deque([…], maxlen)`, whose greatest length is left out. */
export function deque(machine: Machine, args: readonly unknown[]): unknown[] {
  const [items = []] = args
  if (!Array.isArray(items)) throw machine.malformed('items that are no list')
  return machine.copyOf(items)
}

/** Elements of `array.array` by the number of their machine format; text is not among them. */
const FORMATS = '|u1 |i1 <u2 >u2 <i2 >i2 <u4 >u4 <i4 >i4 <u8 >u8 <i8 >i8 <f4 >f4 <f8 >f8'.split(' ')

/** `array._array_reconstructor(array.array, code, format, b'…')` */
export function arrayReconstructor(machine: Machine, args: readonly unknown[]): unknown {
  const [, , format, bytes] = args
  const dtype = FORMATS[machine.integer(format)]
  if (dtype === undefined || !(bytes instanceof Uint8Array))
    throw machine.failed('UNSUPPORTED', 'an array of another kind than numbers')
  const layout = parseDtype(dtype) as Layout
  // A copy is made of single bytes: they are one object in Python.
  const memory =
    bytes.length === 1 ? new Uint8Array(bytes) : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  return arrayOf(machine, memory, layout, [Math.floor(bytes.length / layout.itemsize)], 'C')
}

const CODES: Readonly<Record<string, new (items: ArrayLike<never>) => ArrayBufferView>> = {
  b: Int8Array,
  B: Uint8Array,
  h: Int16Array,
  H: Uint16Array,
  i: Int32Array,
  I: Uint32Array,
  f: Float32Array,
  d: Float64Array,
}
const WIDE: Readonly<Record<string, new (items: bigint[]) => ArrayBufferView>> = {
  l: BigInt64Array,
  L: BigUint64Array,
  q: BigInt64Array,
  Q: BigUint64Array,
}

/** `array.array(code, […])`, of protocols 0 to 2. */
export function array(machine: Machine, args: readonly unknown[]): unknown {
  const [code, items = []] = args
  const isList =
    Array.isArray(items) && items.every(item => typeof item === 'number' || typeof item === 'bigint')
  if (typeof code !== 'string' || !isList)
    throw machine.failed('UNSUPPORTED', 'an array of another kind than numbers')
  machine.copy(items.length)
  if (Object.hasOwn(CODES, code)) return new CODES[code](items.map(Number) as never)
  if (!Object.hasOwn(WIDE, code)) throw machine.failed('UNSUPPORTED', 'an array of another kind than numbers')
  return new WIDE[code](items.map(item => BigInt(item)))
}
