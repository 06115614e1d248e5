/**
 * What frames cost. Run it by hand: `node --expose-gc dist/bench/frame.js`.
 *
 * - a small call: to pack, unpack and cut out of a stream, beside encode and decode;
 * - 8 MiB over a Unix socket, from a thread that only writes, each way in turn: raw bytes thrown away (64 KiB that are
 *   read over and over), read to fresh memory of 8 MiB, or as `data` events; frames read to where they stay (`target`;
 *   `reused`: always to the same 8 MiB, by `destination`), and copied from chunks (`push`).
 *
 * Whether fresh memory is memory with pages is up to the allocator, and worth more than all else: glibc gives some back
 * and not others, and a way takes twice as long in one run as in the next. Compare with
 * `MALLOC_MMAP_THRESHOLD_=67108864 MALLOC_TRIM_THRESHOLD_=1073741824`, where it keeps them all.
 */
import { rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { Deframer, pack, packBytes, unpack } from '../src/frame/index.js'
import { decode, encode } from '../src/index.js'

const SAMPLES = new Uint8Array(8 * 2 ** 20).fill(7)
const MESSAGES = 60
const ROUNDS = 9

const { gc } = globalThis as { gc?: () => void }
const median = (times: number[]): number => times.sort((a, b) => a - b)[times.length >> 1]!

/** Nanoseconds a call. */
function timed(run: () => unknown, times: number): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = performance.now()
    for (let i = 0; i < times; i++) run()
    return ((performance.now() - start) * 1e6) / times
  })
  return median(rounds)
}

function small(): void {
  const call = { id: 12_345, method: 'session.update', params: { user: 'u-1', at: 1.5, tags: ['a', 'b'] } }
  const packet = encode(call)
  const frame = packBytes(packet)
  const stream = Buffer.concat(new Array(1000).fill(frame))
  const deframer = new Deframer()
  const rows: [name: string, run: () => unknown, calls: number][] = [
    ['encode', () => encode(call), 1],
    ['packBytes', () => packBytes(packet), 1],
    ['packBytes, checksum', () => packBytes(packet, { checksum: true }), 1],
    ['pack', () => pack(packet), 1],
    ['unpack', () => unpack(frame), 1],
    ['Deframer', () => deframer.push(stream), 1000],
    ['decode', () => decode(packet), 1],
  ]
  console.log(`a small call, a frame of ${frame.length} bytes   ns`)
  for (const [name, run, calls] of rows) {
    timed(run, 20_000 / calls)
    console.log(`  ${name.padEnd(36)}${(timed(run, 20_000 / calls) / calls).toFixed(0).padStart(6)}`)
  }
}

const WAYS = ['thrown away', 'fresh', 'data', 'target', 'reused', 'push'] as const
type Way = (typeof WAYS)[number]

/** GB/s of arrays that arrived whole; of raw bytes, that arrived at all. */
function received(path: string, way: Way): Promise<number> {
  const reused = way === 'reused' ? new Uint8Array(SAMPLES.length) : undefined
  const deframer = new Deframer({ destination: () => reused })
  const isDirect = way === 'target' || way === 'reused'
  const wanted = MESSAGES * SAMPLES.length
  let memory = new Uint8Array(way === 'fresh' ? 0 : 65_536)
  let at = 0
  let bytes = 0
  const target = (): Uint8Array => {
    if (isDirect) return deframer.target()
    if (way !== 'fresh') return memory
    if (at === memory.length) {
      memory = new Uint8Array(SAMPLES.length)
      at = 0
    }
    return memory.subarray(at)
  }
  const take = (byteLength: number): void => {
    at += byteLength
    if (!isDirect && way !== 'push') {
      bytes += byteLength
      return
    }
    const packets = isDirect ? deframer.filled(byteLength) : deframer.push(memory.subarray(0, byteLength))
    for (const { buffers } of packets) bytes += buffers[0]!.length
  }
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const callback = (byteLength: number): boolean => {
      take(byteLength)
      if (bytes < wanted) return true
      resolve(bytes / (performance.now() - start) / 1e6)
      socket.destroy()
      return false
    }
    const socket = connect(way === 'data' ? { path } : { path, onread: { buffer: target, callback } })
    if (way === 'data') socket.on('data', chunk => callback(chunk.length))
    socket.on('error', reject)
  })
}

async function sockets(): Promise<void> {
  const path = join(tmpdir(), `outband-bench-${process.pid}.sock`)
  const worker = new Worker(new URL(import.meta.url), { workerData: path })
  await new Promise(resolve => worker.once('message', resolve))
  const speeds: Record<string, number[]> = {}
  for (let round = -1; round < ROUNDS; round++) {
    for (const way of WAYS) {
      gc?.()
      gc?.()
      const speed = await received(path, way)
      speeds[way] ??= []
      if (round >= 0) speeds[way].push(speed)
    }
  }
  const fresh = median([...speeds.fresh!])
  console.log('8 MiB over a Unix socket   GB/s   of fresh')
  for (const way of WAYS) {
    const speed = median(speeds[way]!)
    console.log(`  ${way.padEnd(20)}${speed.toFixed(2).padStart(9)}${(speed / fresh).toFixed(2).padStart(9)}`)
  }
  await worker.terminate()
  rmSync(path, { force: true })
}

function drained(peer: Socket): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      peer.off('drain', done).off('close', done)
      resolve()
    }
    peer.on('drain', done).on('close', done)
  })
}

/** Whoever connects is sent all messages. */
function serve(path: string): void {
  const chunks = pack(encode(SAMPLES))
  createServer(async peer => {
    peer.on('error', () => {})
    for (let i = 0; i < MESSAGES && !peer.destroyed; i++) {
      peer.cork()
      for (const chunk of chunks) peer.write(chunk)
      peer.uncork()
      if (peer.writableNeedDrain) await drained(peer)
    }
  }).listen(path, async () => (await import('node:worker_threads')).parentPort?.postMessage('ready'))
}

if (isMainThread) {
  small()
  await sockets()
} else serve(workerData as string)
