import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assemble, flat, join, repeat, varint } from '../fixtures/assemble.js'
import { asking } from '../fixtures/hostile/limits.js'
import { hostile } from '../fixtures/hostile.js'
import { Codec, decode, encode, isOutbandError, LIMITS, type Limits, type PacketLike } from '../src/index.js'
import { Head } from '../src/wire/ops.js'
import { allowedHeap, inBudget } from './budget.js'
import { collect, heapBytes, keptBytes } from './collect.js'
import { canEval } from './eval.js'
import { whileFlipped } from './flipped.js'
import { canaries } from './prototypes.js'
import { difference } from './same.js'

const PROFILES = ['trusted', 'untrusted'] as const

interface Outcome {
  readonly value?: unknown
  readonly error?: unknown
  /** Bytes allocated and not yet collected: an upper bound of what decoding kept, a lower one of what it took. */
  readonly heap: number
}

/** Collects garbage, and says how many bytes that were. */
function collected(): number {
  const before = heapBytes()
  collect()
  return before - heapBytes()
}

function outcome(run: () => unknown): Outcome {
  const before = heapBytes()
  let result: { value?: unknown; error?: unknown }
  try {
    result = { value: run() }
  } catch (error) {
    result = { error }
  }
  return { ...result, heap: heapBytes() - before }
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

const MiB = 2 ** 20
const untouched = canaries()

for (const profile of PROFILES) {
  const test = suite(`hostile: ${profile}`)
  const codec = new Codec()

  for (const { threat, name, make, types, limits, isCostly, [profile]: end } of hostile) {
    test(`${threat}: ${name}`, async () => {
      const allowed: Limits = { ...LIMITS[profile], ...limits }
      const { size, value, error, heap } = await inBudget(() => {
        const packet = make(allowed)
        const size = sizeOf(packet)
        // Garbage that is collected meanwhile would hide what a large message takes.
        if (size > MiB / 4) collect()
        const decoding = () => codec.decode(packet, { limits: allowed, types })
        return { size, run: () => ({ size, ...outcome(decoding) }) }
      })
      if (error !== undefined && !isOutbandError(error)) throw error
      assert.is(untouched(), undefined)
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

/** One of two profiles in each of the two runs of the suite: of an untrusted peer no code is made, so that it may be forbidden. */
for (const profile of PROFILES) {
  const run = (profile === 'trusted') === canEval() ? after : after.skip
  run(`a good message after a bad one, 100 000 times on one ${profile} codec, is as from a fresh one`, () => {
    const limits = profile
    const codec = new Codec({ limits })
    const wanted = new Codec({ limits }).decode(packet)
    assert.is(difference(good, wanted), undefined)
    const bad = hostile
      .filter(row => typeof row[profile] === 'string' && row.types === undefined && row.limits === undefined)
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
  })
}

function outcomeOf(run: () => unknown): { error?: unknown } {
  try {
    run()
    return {}
  } catch (error) {
    return { error }
  }
}

/** More shapes than are kept for the next message, of two letters each. */
const others = Array.from({ length: 1100 }, (_, i) => [1, 4, i & 255, i >> 8])

for (const [name, shape] of [
  ['no keys', [0]],
  ['an empty key', [1, 0]],
  ['two empty keys', [2, 0, 0]],
  ['one letter', [1, 2, 97]],
] as const) {
  after(`shapes of ${name} that are listed, and too many to be kept, take no more than the budget`, () => {
    const n = Math.floor((MiB - 5000) / shape.length)
    const tail = join(flat(varint(others.length + n), others), repeat(n, ...shape))
    const meta = assemble({ body: 1, flags: Head.HAS_SHAPES, tail })
    const before = keptBytes()
    let held = 0
    // Buffers are asked for when all shapes have been read.
    const buffers = {
      [Symbol.iterator]() {
        held = keptBytes() - before
        return [].values()
      },
    }
    assert.is(new Codec({ limits: 'untrusted' }).decode({ meta, buffers }), 1)
    assert.ok(held > 0 && held < allowedHeap(meta.length), `${held} bytes of heap for ${meta.length}`)
  })
}

after('a rejected message is not kept', () => {
  const codec = new Codec({ limits: 'untrusted' })
  const largest = hostile.filter(row => row.threat === 6).map(row => row.make(LIMITS.untrusted))
  const keep = (): number => {
    for (const packet of largest)
      outcomeOf(() => codec.decode({ ...packet, meta: packet.meta.subarray(0, -1) }))
    return keptBytes()
  }
  keep()
  const before = keep()
  keep()
  keep()
  assert.ok(keep() - before < MiB)
})

for (const rows of [3, 300]) {
  after(
    `metadata of ${rows} rows, flipped by another thread while it is decoded, is a snapshot or an error`,
    async () => {
      const { meta } = encode(Array.from({ length: rows }, (_, id) => ({ ...row, id, text: `row ${id}` })))
      const codec = new Codec({ limits: 'untrusted' })
      let errors = 0
      await whileFlipped(
        meta,
        shared => {
          const { error } = outcomeOf(() => codec.decode({ meta: shared, buffers: [] }))
          if (error === undefined) return
          if (!isOutbandError(error)) throw error
          errors++
        },
        () => errors > 0,
      )
      assert.ok(errors > 0)
      assert.is(untouched(), undefined)
    },
  )
}

after.run()
