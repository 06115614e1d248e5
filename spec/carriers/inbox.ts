/** Numbered packets, somebody who takes them in, and waits that end: for every carrier's suite. */
import * as assert from 'uvu/assert'
import type { Sink } from '../../src/carriers/carrier.js'
import { type ErrorCode, isOutbandError, type OutbandError } from '../../src/errors.js'
import type { Parcel } from '../../src/packet.js'
import type { Test } from '../contract.js'

/** Nobody waits for so long but for what never comes: the machine may be slow, and busy with something else. */
const PATIENCE_MS = 60_000

/** Waits, but not for ever: a promise that never settles would end the suite without a word. */
export async function within<T>(promise: Promise<T> | T, what: string, ms = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing for ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits until it is so, a turn at a time. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`${what}: not so for ${PATIENCE_MS} ms`)
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** Waits until a number has not changed for a while, of some turns at the least; its value then. */
export async function settled(read: () => number, ms = 200): Promise<number> {
  for (let value = read(); ; value = read()) {
    await turns(20)
    await new Promise(resolve => setTimeout(resolve, ms))
    await turns(20)
    if (read() === value) return value
  }
}

export const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

/** The code of an OutbandError that `run` throws or rejects with; fails when it does neither. */
export async function codeOf(run: () => unknown): Promise<ErrorCode> {
  let value: unknown
  try {
    value = await within(run() as Promise<unknown>, 'a rejection')
  } catch (error) {
    if (!isOutbandError(error)) throw error
    return error.code
  }
  throw new assert.Assertion({
    message: 'nothing was thrown',
    operator: 'throws',
    expects: 'an error',
    actual: value,
  })
}

/** A packet that says its number, and has buffers of these sizes that are filled with it. */
export function numbered(number: number, ...sizes: number[]): Parcel {
  const meta = new Uint8Array(8)
  const header = new DataView(meta.buffer)
  header.setUint32(0, number)
  header.setUint32(4, sizes.length)
  return { meta, buffers: sizes.map(size => new Uint8Array(size).fill(number)) }
}

/** The number of a packet, once everything of it is as it was. */
export function numberOf({ meta, buffers }: Parcel): number {
  const bytes = typeof meta === 'string' ? Buffer.from(meta, 'latin1') : meta
  assert.is(bytes.length, 8)
  const header = new DataView(bytes.buffer, bytes.byteOffset, 8)
  const number = header.getUint32(0)
  assert.is(header.getUint32(4), buffers.length, `packet ${number}`)
  for (const buffer of buffers) {
    const isFull = Buffer.compare(buffer, Buffer.alloc(buffer.length, number & 255)) === 0
    assert.ok(isFull, `packet ${number}: ${buffer.length} bytes`)
  }
  return number
}

/** Keeps what arrives. */
export class Inbox implements Sink {
  readonly parcels: Parcel[] = []
  /** How often the end was told, and with which error at last. */
  ends = 0
  error: OutbandError | undefined
  #wake: () => void = () => {}

  parcel(parcel: Parcel): void {
    assert.is(this.ends, 0, 'nothing arrives after the end')
    const { meta, lent } = parcel
    const isLent = lent !== undefined && typeof meta !== 'string'
    this.parcels.push(isLent ? { ...parcel, meta: meta.slice(), lent: undefined } : parcel)
    this.#wake()
  }

  end(error?: OutbandError): void {
    this.ends++
    this.error = error
    this.#wake()
  }

  get numbers(): number[] {
    return this.parcels.map(numberOf)
  }

  /** Resolves when so many packets are there. */
  reach(count: number): Promise<void> {
    return this.#until(() => this.parcels.length >= count, `${count} packets`)
  }

  ended(): Promise<void> {
    return this.#until(() => this.ends > 0, 'the end')
  }

  async #until(isThere: () => boolean, what: string): Promise<void> {
    const wait = async () => {
      while (!isThere()) {
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
      }
    }
    await within(wait(), what)
  }
}

/** 0, 1, 2 … below the end. */
export const upTo = (end: number): number[] => Array.from({ length: end }, (_, i) => i)

/** Small packets to and fro: a carrier may then have found a quicker way for them. */
export async function talk({ left, right, atLeft, atRight }: Test): Promise<void> {
  for (const i of upTo(100)) {
    void left.send(numbered(i))
    await right.send(numbered(i))
  }
  await Promise.all([atLeft.reach(100), atRight.reach(100)])
  atLeft.parcels.length = 0
  atRight.parcels.length = 0
}

/** Windows on the memory of a view. */
export function windowsOn(
  { buffer }: Uint8Array,
  ...windows: [offset: number, length: number][]
): Uint8Array[] {
  return windows.map(([offset, length]) => new Uint8Array(buffer, offset, length))
}
