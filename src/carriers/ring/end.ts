/**
 * The two ends of a way between threads, each a plain object to be posted: memory with a ring for each direction, and
 * a port for what cannot go through memory.
 *
 *      ┌──────────────────────────┬──────────────────────────┐
 *      │ ring that side 0 writes  │ ring that side 1 writes  │
 *      └──────────────────────────┴──────────────────────────┘
 */
import { isShared } from '../../bytes/window.js'
import { expectArgument, expectOptions } from '../../errors.js'
import { RingReader, RingWriter, ringBytes } from '../../memory/ring.js'
import { randomBytes } from '../random.js'
import { portMaker } from '../threads.js'

/** A MessagePort, of Node or a browser. */
export type RingPort = InstanceType<typeof globalThis.MessageChannel>['port1']

/** One end: what `connectRing` takes. Post it with its port in the transfer list. */
export interface RingEnd {
  readonly memory: SharedArrayBuffer
  readonly side: 0 | 1
  readonly port: RingPort
  /** Unique to this ring. */
  readonly name: string
}

/** Options of `createRing`. */
export interface RingSize {
  /** Bytes that each direction holds: a power of two from 4096 to 2**30. Default 262 144. */
  readonly capacity?: number | undefined
}

/** The two ends of a new ring. @throws TypeError for an invalid capacity, or where there is no shared memory or MessageChannel */
export function createRing(options: RingSize = {}): [RingEnd, RingEnd] {
  expectOptions(options)
  const { capacity = 2 ** 18 } = options
  const isPower = Number.isInteger(capacity) && Number.isInteger(Math.log2(capacity))
  expectArgument(
    isPower && capacity >= 4096 && capacity <= 2 ** 30,
    'capacity',
    'a power of two from 4096 to 2**30',
  )
  expectArgument(typeof SharedArrayBuffer === 'function', 'createRing', 'called where memory can be shared')
  const memory = new SharedArrayBuffer(2 * ringBytes(capacity))
  const Ports = portMaker()
  expectArgument(Ports !== undefined, 'createRing', 'called where there is a MessageChannel')
  const { port1, port2 } = new Ports()
  const name = `outband ring ${randomBytes().join('-')}`
  return [
    { memory, side: 0, port: port1, name },
    { memory, side: 1, port: port2, name },
  ]
}

/** The rings of an end. @throws TypeError for what is no end; RING_CORRUPT for memory that no ring fits in */
export function ringsOf(end: RingEnd): { writer: RingWriter; reader: RingReader } {
  const { memory, side, port, name } = end ?? {}
  const isWhole = port !== undefined && typeof name === 'string'
  const isEnd = isShared(memory) && (side === 0 || side === 1) && isWhole
  expectArgument(isEnd, 'end', 'an end that createRing made')
  const half = memory.byteLength / 2
  return {
    writer: new RingWriter(memory, side * half, half),
    reader: new RingReader(memory, (1 - side) * half, half),
  }
}
