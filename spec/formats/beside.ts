// A program that uses msgpackr or cbor-x of its own, alone or beside ours: prints what it sees.

import { addExtension as addTag, Encoder } from 'cbor-x'
import { addExtension as addExt, Packr } from 'msgpackr'
import { decode, encode, type Format } from '../../src/index.js'
import { difference } from '../same.js'

interface Library {
  encode(value: unknown): Uint8Array
  decode(bytes: Uint8Array): unknown
}

const [library, order] = process.argv.slice(2) as ['msgpackr' | 'cbor-x', string]

class Point {
  readonly x: number

  constructor(x: number) {
    this.x = x
  }
}

const probes: readonly unknown[] = [
  { a: 1, b: [1.5, 'x', null, undefined, true] },
  Uint8Array.of(1, 2),
  Buffer.from('hi'),
  new Date(1500),
  new Set([1]),
  new Map([['a', 1]]),
  [new Point(3), 2n ** 62n, -0],
  JSON.parse('{"__proto__":1}'),
]

/** Bytes that only our formats understand, and others that nobody does. */
const foreign: readonly number[][] = [
  [0xd4, 79, 77],
  [0x92, 0xc7, 5, 79, 35, 0, 0, 0, 0, 1],
  [0xd4, 5, 1],
  [0xda, 0x4f, 0x42, 0, 0x56, 0x41, 1],
  [0xd9, 1, 2, 0x81, 1],
  [0xd8, 28, 0x80],
]

const optionsOf: readonly object[] = [{}, { useRecords: false }, { structuredClone: true, moreTypes: true }]

function shown(value: unknown): string {
  return JSON.stringify(value, (_, part) => {
    if (typeof part === 'bigint') return `${part}n`
    if (part instanceof Set || part instanceof Map) return { class: part.constructor.name, of: [...part] }
    if (ArrayBuffer.isView(part)) return { class: part.constructor.name, of: [...(part as Uint8Array)] }
    return part
  })
}

function outcome(run: () => unknown): string {
  try {
    return String(shown(run()))
  } catch (error) {
    return String(error)
  }
}

const make = (options: object): Library =>
  (library === 'msgpackr' ? new Packr({ ...options }) : new Encoder({ ...options })) as unknown as Library

function seen(): Record<string, string> {
  const found: Record<string, string> = {}
  for (const options of optionsOf) {
    const one = make(options)
    for (const [i, probe] of probes.entries()) {
      const bytes = outcome(() => Buffer.from(one.encode(probe)).toString('hex'))
      found[`${shown(options)} ${i}`] = `${bytes} ${outcome(() => one.decode(one.encode(probe)))}`
    }
    for (const bytes of foreign) {
      found[`${shown(options)} ${bytes}`] = outcome(() => one.decode(Uint8Array.from(bytes)))
    }
  }
  return found
}

const ours = async (): Promise<Format> =>
  library === 'msgpackr'
    ? (await import('../../src/formats/msgpack.js')).msgpack
    : (await import('../../src/formats/cbor.js')).cbor

/** Whether a value of everything arrives by our format. */
async function arrives(): Promise<boolean> {
  const format = await ours()
  const shared = [1]
  const memory = new ArrayBuffer(16)
  const value = {
    views: [new Float32Array(2000), new Uint16Array(memory, 0, 4), new Uint16Array(memory, 4, 2)],
    rest: [new Date(5), new Set([1]), new Map([[{}, 2n ** 80n]]), /a/g, shared, shared, undefined, -0, null],
    ['__proto__']: { a: 1 },
  }
  return [0, Number.POSITIVE_INFINITY].every(
    threshold => difference(value, decode(encode(value, { format, threshold }), { format })) === undefined,
  )
}

let asked = 0
function theirs(): string {
  asked++
  return 'theirs'
}

function registerAll(): void {
  const classes = [Date, Set, Map, RegExp, Error] as unknown as never[]
  if (library === 'msgpackr') {
    for (const type of [0, 66, 79, 116, 255]) addExt({ type, unpack: theirs, read: theirs })
    for (const Class of classes) addExt({ Class, type: 100, pack: theirs as never, unpack: theirs })
    return
  }
  for (const tag of [1, 2, 3, 27, 28, 29, 64, 85, 258, 259, 0x4f42_0056]) {
    addTag({ tag, decode: theirs, Class: class Never {}, encode: theirs as never })
  }
  for (const Class of classes) addTag({ tag: 100, decode: theirs, Class, encode: theirs as never })
}

function print(found: object): void {
  console.log(JSON.stringify(found))
}

if (order === 'alone') print(seen())
if (order === 'before') {
  await arrives()
  print(seen())
}
if (order === 'after') {
  seen()
  await arrives()
  print(seen())
}
if (order === 'rude') {
  await ours()
  registerAll()
  const arrived = await arrives()
  const wasAsked = asked
  const theirBytes = library === 'msgpackr' ? [0xd4, 79, 77] : [0xda, 0x4f, 0x42, 0, 0x56, 0x41, 1]
  print({ arrived, asked: wasAsked, theirs: make({}).decode(Uint8Array.from(theirBytes)) === 'theirs' })
}
