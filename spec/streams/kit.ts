/** What the specs of streams share: ways to fill one, and what comes out of it. */
import { join } from '../../fixtures/assemble.js'
import type { PacketEncoderOptions } from '../../src/streams/index.js'
import {
  type ByteChunk,
  type PacketDecoderOptions,
  PacketDecoderStream,
  PacketEncoderStream,
} from '../../src/streams/index.js'
import type { Sizes } from '../frames.js'

export const KiB = 2 ** 10
export const MiB = 2 ** 20

/** What a stream gave, and what broke it. */
export interface Outcome<T> {
  readonly items: readonly T[]
  readonly error: unknown
}

/** Reads to the end, or to the error. */
export async function outcomeOf<T>(stream: ReadableStream<T>): Promise<Outcome<T>> {
  const items: T[] = []
  try {
    for await (const item of stream) items.push(item)
    return { items, error: undefined }
  } catch (error) {
    return { items, error }
  }
}

/** Every item of a stream that ends well. */
export async function all<T>(stream: ReadableStream<T>): Promise<readonly T[]> {
  const { items, error } = await outcomeOf(stream)
  if (error !== undefined) throw error
  return items
}

/** The bytes in pieces of these sizes, each made when it is asked for and overwritten when the next one is. */
export function pieces(bytes: Uint8Array, sizes: Sizes): ReadableStream<Uint8Array> {
  let pos = 0
  let last = new Uint8Array(0)
  return new ReadableStream(
    {
      pull(controller) {
        last.fill(0xff)
        if (pos === bytes.length) return controller.close()
        last = bytes.slice(pos, pos + Math.max(1, sizes(bytes.length - pos)))
        pos += last.length
        controller.enqueue(last)
      },
    },
    { highWaterMark: 0 },
  )
}

/** The chunks of these values. */
export function chunksOf(
  values: Iterable<unknown>,
  options?: PacketEncoderOptions,
): Promise<readonly Uint8Array[]> {
  return all(ReadableStream.from(values).pipeThrough(new PacketEncoderStream(options)))
}

/** The bytes of these values. */
export async function bytesOf(
  values: Iterable<unknown>,
  options?: PacketEncoderOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(join(...(await chunksOf(values, options))))
}

/** What arrives of these bytes in pieces of these sizes. */
export function arrival(
  bytes: Uint8Array,
  sizes: Sizes,
  options?: PacketDecoderOptions,
): Promise<Outcome<unknown>> {
  return outcomeOf(pieces(bytes, sizes).pipeThrough(new PacketDecoderStream(options)))
}

/** What arrives of these chunks as they are. */
export function arrivalOf(
  chunks: Iterable<ByteChunk>,
  options?: PacketDecoderOptions,
): Promise<Outcome<unknown>> {
  return outcomeOf(ReadableStream.from(chunks).pipeThrough(new PacketDecoderStream(options)))
}

/** Rejections that nobody handles, until `stop`. */
export class Unhandled {
  readonly reasons: unknown[] = []
  readonly #note = (reason: unknown): void => {
    this.reasons.push(reason)
  }

  start(): void {
    process.on('unhandledRejection', this.#note)
  }

  async stop(): Promise<void> {
    // They are told when the microtasks are done.
    await new Promise(resolve => setImmediate(resolve))
    process.off('unhandledRejection', this.#note)
  }
}

/** Bytes that say where they were. */
export function counting(byteLength: number, from = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength)
  for (let i = 0; i < byteLength; i++) bytes[i] = (i * 7 + (i >> 8) + from) & 255
  return bytes
}
