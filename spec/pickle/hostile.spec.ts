/** Hostile pickles: how they end, and what they cost. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bytes, name, pickleRows } from '../../fixtures/hostile/pickles.js'
import { Random } from '../../fixtures/random.js'
import { msgpack } from '../../src/formats/msgpack.js'
import { pickle, pickleFormat } from '../../src/formats/pickle/index.js'
import * as ops from '../../src/formats/pickle/ops.js'
import {
  Codec,
  decode,
  defineType,
  encode,
  isOutbandError,
  LIMITS,
  type Limits,
  type PacketLike,
  registry,
} from '../../src/index.js'
import { allowedHeap, allowedMs, inBudget, spentMs } from '../budget.js'
import { heapBytes, keptBytes } from '../collect.js'
import { canaries } from '../prototypes.js'
import { difference } from '../same.js'
import { codeOf, quietly, refused } from '../thrown.js'
import { recorded } from './corpus.js'

const PROFILES = ['trusted', 'untrusted'] as const
const MiB = 2 ** 20

class Again {}

const untouched = canaries()
const OPS = Object.values(ops)

function sizeOf({ meta, buffers }: PacketLike): number {
  let total = meta.length
  for (const buffer of buffers) total += buffer.byteLength ?? 0
  return total
}

function outcomeOf(run: () => unknown): { value?: unknown; error?: unknown } {
  try {
    return { value: run() }
  } catch (error) {
    return { error }
  }
}

for (const profile of PROFILES) {
  const test = suite(`pickle hostile: ${profile}`)

  for (const { threat, name, make, options, types, limits, fields, [profile]: end } of pickleRows) {
    test(`${threat}: ${name}`, async () => {
      const allowed: Limits = { ...LIMITS[profile], ...limits }
      const format = options === undefined ? pickle : pickleFormat(options)
      const { size, before, error, value } = await inBudget(() => {
        const packet = make()
        const size = sizeOf(packet)
        const run = () => {
          const before = heapBytes()
          const result = outcomeOf(() => decode(packet, { format, limits: allowed, types }))
          return { size, before, ...result }
        }
        return { size, run }
      })
      let heap = heapBytes() - before
      if (error !== undefined && !isOutbandError(error)) throw error
      assert.is(untouched(), undefined)
      // What is over the budget may be garbage: only then it is worth a collection.
      if (heap >= allowedHeap(size)) heap = keptBytes() - before
      assert.ok(heap < allowedHeap(size), `${heap} bytes of heap for ${size} bytes`)
      if (typeof end === 'string') {
        assert.is(error?.code, end, error?.message ?? 'it was accepted')
        for (const [field, wanted] of Object.entries(fields ?? {}))
          assert.is(
            (error as unknown as Record<string, unknown>)[field],
            wanted,
            `${field}: ${error?.message}`,
          )
      } else {
        assert.is(error, undefined, String(error))
        assert.ok(end(value), 'the value is not what it must be')
      }
    })
  }

  test.run()
}

const machine = suite('pickle hostile: the machine')

machine('every opcode alone, and behind one value of each kind, ends in an error of ours or a value', () => {
  const values = [
    [],
    [ops.NONE],
    [ops.EMPTY_LIST],
    [ops.EMPTY_DICT],
    [ops.EMPTY_SET],
    [ops.EMPTY_TUPLE],
    [ops.MARK],
  ]
  values.push(
    [...bytes(name('numpy', 'dtype'))],
    [...bytes(name('decimal', 'Decimal'), ops.EMPTY_TUPLE, ops.REDUCE)],
  )
  quietly(() => {
    for (const below of values)
      for (const top of values)
        for (let op = 0; op < 256; op++) {
          const meta = bytes(ops.PROTO, 5, below, top, op, ops.STOP)
          codeOf(() => decode({ meta, buffers: [] }, { format: pickle }))
        }
  })
  assert.is(untouched(), undefined)
})

/** Those that are worth being cut and flipped at every place. */
const short = recorded
  .flatMap(({ name, rows }) => (name.startsWith('numpy-2') ? rows : []))
  .filter(({ meta }) => meta.length < 400)

machine('every prefix of a pickle is TRUNCATED', () => {
  quietly(() => {
    for (const { name, meta, buffers = [] } of short)
      for (let length = 0; length < meta.length; length++) {
        const code = codeOf(() => decode({ meta: meta.subarray(0, length), buffers }, { format: pickle }))
        assert.is(code, 'TRUNCATED', `${name}: ${length} of ${meta.length} bytes`)
      }
  })
})

machine('every single-bit flip is refused or a value', () => {
  let refused = 0
  quietly(() => {
    for (const { meta, buffers = [] } of short.filter((_, i) => i % 8 === 0)) {
      const damaged = meta.slice()
      for (let bit = 0; bit < meta.length * 8; bit++) {
        damaged[bit >> 3]! ^= 1 << (bit & 7)
        if (codeOf(() => decode({ meta: damaged, buffers }, { format: pickle, limits: 'untrusted' })))
          refused++
        damaged[bit >> 3]! ^= 1 << (bit & 7)
      }
    }
  })
  assert.ok(refused > 5000)
  assert.is(untouched(), undefined)
})

const MUTANTS = { format: pickle, limits: 'untrusted' } as const

machine('15 000 mutants: only our errors, nothing slow', async () => {
  const random = new Random(574)
  const pick = (count: number): number => random.int(0, count)
  const packets = recorded.flatMap(({ rows }) => rows).filter(({ meta }) => meta.length < 2000)
  const codes = new Map<string | undefined, number>()
  const slow: PacketLike[] = []
  quietly(() => {
    for (let i = 0; i < 15_000; i++) {
      const { meta, buffers = [] } = packets[pick(packets.length)]!
      const mutant = mutated(meta, packets[pick(packets.length)]!.meta, pick)
      const packet = { meta: mutant, buffers }
      const before = spentMs()
      const code = codeOf(() => decode(packet, MUTANTS))
      if (spentMs() - before >= allowedMs(mutant.length)) slow.push(packet)
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
  })
  assert.ok((codes.get(undefined) ?? 0) > 300, JSON.stringify([...codes]))
  assert.ok((codes.get('MALFORMED') ?? 0) > 1500, JSON.stringify([...codes]))
  // Those that a collection fell into, or the machine's other work, are not slow a second time.
  for (const packet of slow)
    await inBudget(() => ({ size: packet.meta.length, run: () => codeOf(() => decode(packet, MUTANTS)) }))
  assert.is(untouched(), undefined)
})

/** A few bytes changed, left out, said twice, or taken from another pickle. */
function mutated(meta: Uint8Array, other: Uint8Array, pick: (count: number) => number): Uint8Array {
  const out = [...meta]
  for (let edits = 1 + pick(3); edits > 0; edits--) {
    const at = pick(out.length)
    const length = 1 + pick(8)
    switch (pick(6)) {
      case 0:
        out[at] = pick(256)
        break
      case 1:
        out[at] = OPS[pick(OPS.length)]!
        break
      case 2:
        out.splice(at, length)
        break
      case 3:
        out.splice(at, 0, ...out.slice(at, at + length))
        break
      case 4:
        out.splice(at, 0, OPS[pick(OPS.length)]!)
        break
      default: {
        const from = pick(other.length)
        out.splice(at, pick(4), ...other.subarray(from, from + length * 4))
      }
    }
    if (out.length === 0) out.push(ops.STOP)
  }
  return new Uint8Array(out)
}

machine('one depth for pickles in pickles, in the code of the caller', () => {
  let calls = 0
  const meta = bytes(ops.PROTO, 5, name('m', 'again'), ops.EMPTY_TUPLE, ops.REDUCE, ops.STOP)
  const format = pickleFormat({
    globals: {
      'm.again': () => {
        calls++
        return decode({ meta, buffers: [] }, { format, limits: { depth: 20 } })
      },
    },
  })
  const code = codeOf(() => decode({ meta, buffers: [] }, { format, limits: { depth: 20 } }))
  assert.is(code, 'REBUILD')
  assert.ok(calls <= 21, `${calls} calls`)
})

machine('one depth for pickles in packets of other formats', () => {
  let calls = 0
  const inner = new Codec({
    types: registry(
      defineType<Again, unknown>({
        class: Again,
        tag: 'again',
        reduce: () => 0,
        rebuild: () => outer() as Again,
      }),
    ),
    limits: { depth: 20 },
  })
  const packets = [undefined, msgpack].map(format => inner.encode(new Again(), { format }))
  const meta = bytes(ops.PROTO, 5, name('m', 'again'), ops.EMPTY_TUPLE, ops.REDUCE, ops.STOP)
  const again = () => inner.decode(packets[calls++ % 2]!, { format: [undefined, msgpack][(calls - 1) % 2] })
  const format = pickleFormat({ globals: { 'm.again': again } })
  const outer = () => decode({ meta, buffers: [] }, { format, limits: { depth: 20 } })
  assert.is(codeOf(outer), 'REBUILD')
  // Each time round two of the twenty are used up, one by either decoder.
  assert.ok(calls <= 11, `${calls} calls`)
})

machine('a good pickle after a bad one, 10 000 times, is as from a fresh format', () => {
  const good = {
    rows: Array.from({ length: 20 }, (_, id) => ({ id, tags: ['a', 'b'] })),
    samples: Float64Array.of(1, 2),
  }
  const packet = encode(good, { format: pickle })
  const bad = pickleRows
    .filter(
      ({ trusted, options, types }) =>
        typeof trusted === 'string' && options === undefined && types === undefined,
    )
    .map(({ make }) => make())
    .filter(({ meta, buffers }) => meta.length < 512 && Array.isArray(buffers))
  assert.ok(bad.length > 80)
  quietly(() => {
    for (let i = 0; i < 10_000; i++) {
      assert.ok(codeOf(() => decode(bad[i % bad.length]!, { format: pickle })))
      const got = decode(packet, { format: pickle })
      if (i % 64 === 0) assert.is(difference(good, got), undefined)
    }
  })
})

/** What would be worth keeping: much on the stack, in the memo, of buffers. */
const KEEPING = /^(?:a million empty lists|a million numbers of the memo|2000 empty buffers)$/

machine('a refused pickle is not kept', () => {
  const large = pickleRows.filter(({ name }) => KEEPING.test(name)).map(({ make }) => make())
  assert.is(large.length, 3)
  const keep = (): number => {
    for (const packet of large)
      codeOf(() => decode({ ...packet, meta: packet.meta.subarray(0, -1) }, { format: pickle }))
    return keptBytes()
  }
  keep()
  const before = keep()
  keep()
  assert.ok(keep() - before < MiB)
})

machine('an object with a far index keeps no room for all below it', () => {
  const far = pickleRows.filter(({ name }) => /far index/.test(name))
  assert.is(far.length, 3)
  for (const { name, make, options } of far) {
    const packet = make()
    const format = pickleFormat(options)
    const before = keptBytes()
    const value = decode(packet, { format })
    const heap = keptBytes() - before
    assert.ok(heap < allowedHeap(sizeOf(packet)), `${name}: ${heap} bytes of heap`)
    assert.ok(Array.isArray(value))
  }
})

for (const [limit, n, make] of [
  ['depth', 3, (n: number) => Array.from({ length: n }).reduce(inner => [inner], 1 as unknown)],
  ['items', 3, (n: number) => Array.from({ length: n }, () => null)],
  ['stringBytes', 3, (n: number) => 'x'.repeat(n)],
  ['bigintBytes', 9, (n: number) => 1n << BigInt(8 * n - 2)],
  ['entries', 3, (n: number) => new Set(Array.from({ length: n }, (_, i) => `m${i}`))],
  ['numberKeys', 3, (n: number) => new Map(Array.from({ length: n }, (_, i) => [i, i]))],
  ['bigintKeys', 3, (n: number) => new Set(Array.from({ length: n }, (_, i) => 2n ** 70n + BigInt(i)))],
  ['buffers', 3, (n: number) => Array.from({ length: n }, () => new Uint8Array(1))],
  ['bufferBytes', 3, (n: number) => new Uint8Array(n)],
  ['totalBytes', 3, (n: number) => [new Uint8Array(n - 1), new Uint8Array(1)]],
] as const) {
  for (const threshold of [0, Number.POSITIVE_INFINITY]) {
    machine(`limits.${limit} is named by its error, and can be raised, threshold ${threshold}`, () => {
      const packet = encode(make(n + 1), { format: pickle, threshold })
      let error: unknown
      try {
        decode(packet, { format: pickle, limits: { [limit]: n } })
      } catch (caught) {
        error = caught
      }
      assert.ok(isOutbandError(error, 'LIMIT'), String(error))
      assert.is(error.limit, limit)
      assert.is(error.max, n)
      assert.is(error.requested, n + 1)
      decode(packet, { format: pickle, limits: { [limit]: n + 1 } })
      const write = () => encode(make(n + 2), { format: pickle, threshold, limits: { [limit]: n } })
      assert.is(codeOf(write), 'LIMIT')
    })
  }
}

machine('limits.bigintBytes is none for numbers, however they are written', () => {
  const format = pickle
  const limits = { bigintBytes: 1 }
  for (const n of [2 ** 31, -(2 ** 31) - 1, 2 ** 40, 2 ** 48, 2 ** 53 - 1, -(2 ** 53) + 1])
    assert.is(decode(encode(n, { format, limits }), { format, limits }), n)
  const text = (line: string) => ({ meta: new Uint8Array(Buffer.from(`${line}\n.`)), buffers: [] })
  for (const line of ['L9007199254740991L', 'I-9007199254740991'])
    assert.is(Math.abs(decode<number>(text(line), { format, limits })), 2 ** 53 - 1)
  for (const n of [2n ** 53n, -(2n ** 55n), 2n ** 63n, 2n ** 70n])
    refused(() => decode(encode(n, { format }), { format, limits }), 'LIMIT', { limit: 'bigintBytes' })
  refused(() => decode(text('L9007199254740992L'), { format, limits }), 'LIMIT', { limit: 'bigintBytes' })
})

machine.run()
