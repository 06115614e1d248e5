import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assemble } from '../fixtures/assemble.js'
import { asking } from '../fixtures/hostile/limits.js'
import { hostile } from '../fixtures/hostile.js'
import { Codec, decode, encode, isOutbandError, LIMITS, type Limits, type PacketLike } from '../src/index.js'
import { canaries } from './prototypes.js'
import { difference } from './same.js'

const PROFILES = ['trusted', 'untrusted'] as const

interface Outcome {
  readonly value?: unknown
  readonly error?: unknown
  readonly ms: number
  /** Bytes allocated and not yet collected: an upper bound of what decoding kept, a lower one of what it took. */
  readonly heap: number
}

function heapBytes(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Collects garbage, and says how many bytes that were. */
function collected(): number {
  const before = heapBytes()
  gc()
  return before - heapBytes()
}

function outcome(run: () => unknown): Outcome {
  const before = heapBytes()
  const start = performance.now()
  let result: { value?: unknown; error?: unknown }
  try {
    result = { value: run() }
  } catch (error) {
    result = { error }
  }
  const ms = performance.now() - start
  return { ...result, ms, heap: heapBytes() - before }
}

function sizeOf({ meta, buffers }: PacketLike): number {
  let total = meta.length
  for (const buffer of Array.isArray(buffers) ? buffers : []) total += bytesOf(buffer)
  return total
}

/** Some are not what they look like, or gone. */
function bytesOf(buffer: unknown): number {
  try {
    return (buffer as ArrayBuffer).byteLength || 0
  } catch {
    return 0
  }
}

const KiB = 2 ** 10
const MiB = 2 ** 20
/** Milliseconds. Ten times the budget: a machine that does something else meanwhile must not fail the suite. */
const allowedMs = (size: number): number => 10 * (size <= 64 * KiB ? 50 : Math.max(1, size / MiB) * 250)
const allowedHeap = (size: number): number => 80 * size + MiB

const untouched = canaries()

for (const profile of PROFILES) {
  const test = suite(`hostile: ${profile}`)
  const codec = new Codec()

  for (const { threat, name, make, types, limits, isCostly, [profile]: end } of hostile) {
    test(`${threat}: ${name}`, () => {
      const allowed: Limits = { ...LIMITS[profile], ...limits }
      const packet = make(allowed)
      const size = sizeOf(packet)
      const { value, error, ms, heap } = outcome(() => codec.decode(packet, { limits: allowed, types }))
      if (error !== undefined && !isOutbandError(error)) throw error
      assert.is(untouched(), undefined)
      assert.ok(ms < allowedMs(size), `${ms} ms for ${size} bytes`)
      // What is over the budget may be garbage: only then it is worth a collection.
      const kept = heap < allowedHeap(size) || isCostly ? 0 : heap - collected()
      assert.ok(kept < allowedHeap(size), `${kept} bytes of heap for ${size} bytes`)
      // Last, so that the value is alive while its memory is looked at.
      if (typeof end === 'string') assert.is(error?.code, end, error?.message ?? 'it was accepted')
      else {
        assert.is(error, undefined, String(error))
        assert.ok(end(value), 'the value is not what it must be')
      }
    })
  }

  test.run()
}

const raise = suite('hostile: limits')

for (const [limit, sections] of asking) {
  raise(`${limit} is named by its error, and can be raised`, () => {
    const n = limit === 'metaBytes' ? 18 : 8
    const packet = { meta: assemble(sections(n + 1)), buffers: [] }
    const { error } = outcome(() => decode(packet, { limits: { [limit]: n } }))
    assert.ok(isOutbandError(error, 'LIMIT'), String(error))
    assert.is(error.limit, limit)
    assert.is(error.max, n)
    assert.is(error.requested, n + 1)
    assert.match(error.message, `limits.${limit} is ${n}, got ${n + 1}`)
    decode(packet, { limits: { [limit]: n + 1 } })
  })
}

for (const [limit, profileEnd] of [
  ['regexps', /x/],
  ['errors', new Error('x')],
] as const) {
  raise(`limits.${limit} switches its kind on and off`, () => {
    const packet = encode(profileEnd)
    const { error } = outcome(() => decode(packet, { limits: { ...LIMITS.trusted, [limit]: false } }))
    assert.ok(isOutbandError(error, 'UNSUPPORTED'), String(error))
    assert.is(error.limit, limit)
    assert.is(
      difference(profileEnd, decode(packet, { limits: { ...LIMITS.untrusted, [limit]: true } })),
      undefined,
    )
  })
}

raise.run()

const after = suite('hostile: afterwards')

const row = { id: 7, name: 'seven', tags: ['aaa', 'bbb', 'aaa', 'aaa'], at: new Date(7) }
const good = {
  rows: Array.from({ length: 20 }, (_, id) => ({ ...row, id })),
  again: row,
  self: row,
  samples: Float64Array.of(1, 2, 3),
  pairs: [
    [1, 2],
    [3, 4],
  ],
  map: new Map<unknown, unknown>([[row, 1n]]),
}
const packet = encode(good, { threshold: 8 })

for (const profile of PROFILES) {
  after(
    `a good message after a bad one, 100 000 times on one ${profile} codec, is as from a fresh one`,
    () => {
      const limits = profile
      const codec = new Codec({ limits })
      const wanted = new Codec({ limits }).decode(packet)
      assert.is(difference(good, wanted), undefined)
      const bad = hostile
        .filter(
          row => typeof row[profile] === 'string' && row.types === undefined && row.limits === undefined,
        )
        .map(row => row.make(LIMITS[profile]))
        .filter(bad => bad.meta.length < 512 && Array.isArray(bad.buffers))
      assert.ok(bad.length > 200)
      const { stackTraceLimit } = Error
      Error.stackTraceLimit = 0
      try {
        for (let i = 0; i < 100_000; i++) {
          const { error } = outcomeOf(() => codec.decode(bad[i % bad.length]!))
          if (!isOutbandError(error)) throw error
          const got = codec.decode<typeof good>(packet)
          if (i % 64 === 0) assert.is(difference(wanted, got), undefined)
          else assert.ok(got.rows[19]!.id === 19 && got.again === got.self && got.map.get(got.again) === 1n)
        }
      } finally {
        Error.stackTraceLimit = stackTraceLimit
      }
    },
  )
}

function outcomeOf(run: () => unknown): { error?: unknown } {
  try {
    run()
    return {}
  } catch (error) {
    return { error }
  }
}

after('a rejected message is not kept', () => {
  const codec = new Codec({ limits: 'untrusted' })
  const largest = hostile.filter(row => row.threat === 6).map(row => row.make(LIMITS.untrusted))
  const keep = (): number => {
    for (const packet of largest)
      outcomeOf(() => codec.decode({ ...packet, meta: packet.meta.subarray(0, -1) }))
    collected()
    return heapBytes()
  }
  keep()
  const before = keep()
  for (let i = 0; i < 5; i++) keep()
  assert.ok(keep() - before < MiB)
})

for (const rows of [3, 300]) {
  after(
    `metadata of ${rows} rows, flipped by another thread while it is decoded, is a snapshot or an error`,
    async () => {
      const { meta } = encode(Array.from({ length: rows }, (_, id) => ({ ...row, id, text: `row ${id}` })))
      const memory = new SharedArrayBuffer(meta.length)
      const shared = new Uint8Array(memory)
      shared.set(meta)
      const stop = new Int32Array(new SharedArrayBuffer(4))
      const worker = new Worker(new URL('flipper.js', import.meta.url), { workerData: { shared, stop } })
      await new Promise<void>((resolve, reject) =>
        worker.once('message', () => resolve()).once('error', reject),
      )
      const codec = new Codec({ limits: 'untrusted' })
      let errors = 0
      for (const end = performance.now() + 300; performance.now() < end; ) {
        const { error } = outcomeOf(() => codec.decode({ meta: shared, buffers: [] }))
        if (error === undefined) continue
        if (!isOutbandError(error)) throw error
        errors++
      }
      Atomics.store(stop, 0, 1)
      await new Promise(resolve => worker.once('exit', resolve))
      assert.ok(errors > 0)
      assert.is(untouched(), undefined)
    },
  )
}

after.run()
