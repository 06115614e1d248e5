import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { wasmMemory } from '../../../fixtures/values/memory.js'
import type { Transfer } from '../../../src/carriers/carrier.js'
import type { ErrorCode } from '../../../src/errors.js'
import type { Abilities, WithPair } from '../../contract.js'
import { codeOf, numbered, windowsOn } from '../inbox.js'

const canary = Buffer.from('CANARY-d34db33f')

/** Memory that is full of secrets. */
const secret = (byteLength: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(byteLength).map((_, i) => canary[i % canary.length]!)

/** What became of the sender's memory. */
type Fate = 'copied' | 'transferred' | 'shared'

interface MemoryRow {
  readonly name: string
  readonly buffers: () => Uint8Array[]
  readonly transfer?: (buffers: readonly Uint8Array[]) => Transfer
  readonly fate: Fate | Fate[]
  /** Buffers that are to share one ArrayBuffer on arrival, where memory is shared or moves. */
  readonly isOneMemory?: true
}

const whole = (): Uint8Array => Uint8Array.from({ length: 5000 }, (_, i) => i * 3)
const part = (): Uint8Array => secret(1000).fill(7, 101, 140).subarray(101, 140)
const pooled = (): Uint8Array => {
  // Neighbours on both sides of it in Node's pool.
  Buffer.from(canary)
  const buffer = Buffer.from('between')
  Buffer.from(canary)
  assert.ok(buffer.buffer.byteLength > buffer.byteLength)
  return buffer
}
const wasm = (): Uint8Array => new Uint8Array(wasmMemory().buffer, 0, 65_536).fill(7)
const shared = (): Uint8Array => new Uint8Array(new SharedArrayBuffer(64), 8, 16).fill(7)
const listed = (buffers: readonly Uint8Array[]): Transfer => buffers.map(({ buffer }) => buffer)

const memoryRows: MemoryRow[] = [
  { name: 'whole memory', buffers: () => [whole()], fate: 'copied' },
  { name: 'part of a memory', buffers: () => [part()], fate: 'copied' },
  { name: 'a pooled Buffer', buffers: () => [pooled()], fate: 'copied' },
  { name: 'WebAssembly memory', buffers: () => [wasm()], fate: 'copied' },
  { name: 'resizable memory', buffers: () => [resizable()], fate: 'copied' },
  { name: 'shared memory', buffers: () => [shared()], fate: 'shared' },
  { name: 'an empty list', buffers: () => [whole()], transfer: () => [], fate: 'copied' },
  { name: 'true: whole memory', buffers: () => [whole()], transfer: () => true, fate: 'transferred' },
  { name: 'true: resizable memory', buffers: () => [resizable()], transfer: () => true, fate: 'transferred' },
  { name: 'true: part of a memory', buffers: () => [part()], transfer: () => true, fate: 'copied' },
  { name: 'true: a pooled Buffer', buffers: () => [pooled()], transfer: () => true, fate: 'copied' },
  { name: 'true: WebAssembly memory', buffers: () => [wasm()], transfer: () => true, fate: 'copied' },
  { name: 'true: shared memory', buffers: () => [shared()], transfer: () => true, fate: 'shared' },
  {
    name: 'true: the same memory twice',
    buffers: () => twice(whole()),
    transfer: () => true,
    fate: 'transferred',
    isOneMemory: true,
  },
  {
    name: 'true: some of each',
    buffers: () => [part(), whole(), shared(), pooled(), whole()],
    transfer: () => true,
    fate: ['copied', 'transferred', 'shared', 'copied', 'transferred'],
  },
  { name: 'a list: an ArrayBuffer', buffers: () => [whole()], transfer: listed, fate: 'transferred' },
  { name: 'a list: a view', buffers: () => [whole()], transfer: buffers => buffers, fate: 'transferred' },
  {
    name: 'a list: the same three times, as buffer and view',
    buffers: () => [whole()],
    transfer: ([view]) => [view!.buffer, view!, view!.buffer],
    fate: 'transferred',
  },
  {
    name: 'a list: one of two',
    buffers: () => [whole(), whole()],
    transfer: ([, second]) => [second!],
    fate: ['copied', 'transferred'],
  },
  {
    name: 'a list: memory whose parts travel',
    buffers: () => windowsOn(whole(), [0, 100], [200, 100]),
    transfer: listed,
    fate: 'transferred',
    isOneMemory: true,
  },
  { name: 'a list: shared memory', buffers: () => [shared()], transfer: listed, fate: 'shared' },
  { name: 'a list: a pooled Buffer', buffers: () => [pooled()], transfer: listed, fate: 'copied' },
  { name: 'a list: WebAssembly memory', buffers: () => [wasm()], transfer: listed, fate: 'copied' },
  {
    name: 'a list: part of WebAssembly memory',
    buffers: () => [wasm().fill(7).subarray(9, 20)],
    transfer: listed,
    fate: 'copied',
  },
]

function twice(view: Uint8Array): Uint8Array[] {
  return [view, view]
}

function resizable(): Uint8Array {
  return new Uint8Array(new ArrayBuffer(5000, { maxByteLength: 8000 })).fill(7)
}

export function memory(name: string, withPair: WithPair, { transfers, shares }: Abilities): void {
  const owners = suite(`${name}: memory`)

  for (const row of memoryRows) {
    const { name: what, transfer } = row
    const fatesOf = (count: number): Fate[] => {
      const fates = Array.isArray(row.fate) ? row.fate : Array<Fate>(count).fill(row.fate)
      return fates.map(fate => (fate === 'transferred' && !transfers ? 'copied' : fate))
    }
    if (!shares && [row.fate].flat().includes('shared')) continue
    const outcome = [row.fate].flat().join(', ')
    owners(
      `${transfer === undefined ? 'by default' : 'transfer'}: ${what}: ${outcome}`,
      withPair(async ({ left, atRight }) => {
        const sent = row.buffers()
        const fates = fatesOf(sent.length)
        const before = sent.map(buffer => Buffer.from(buffer))
        const sizes = sent.map(({ byteLength, buffer }) => [byteLength, buffer.byteLength] as const)
        void left.send({ meta: new Uint8Array(1), buffers: sent }, transfer?.(sent))
        const counts = { copied: 0, transferred: 0, shared: 0 }
        const counted = new Set<ArrayBufferLike>()
        for (const [i, buffer] of sent.entries()) {
          const fate = fates[i]!
          const [byteLength, memoryBytes] = sizes[i]!
          if (fate === 'transferred') {
            assert.is(buffer.buffer.byteLength, 0, `buffer ${i} is gone`)
            if (!counted.has(buffer.buffer)) counts.transferred += memoryBytes
            counted.add(buffer.buffer)
            continue
          }
          counts[fate] += byteLength
          assert.ok(Buffer.compare(buffer, before[i]!) === 0, `buffer ${i} is untouched`)
          if (fate === 'copied') buffer.fill(9)
        }
        assert.equal({ ...left.counts }, counts)
        await atRight.reach(1)
        const { buffers } = atRight.parcels[0]!
        assert.is(buffers.length, sent.length)
        for (const [i, buffer] of buffers.entries()) {
          assert.ok(Buffer.compare(buffer, before[i]!) === 0, `buffer ${i} arrives as it was`)
          if (fates[i] === 'copied') onlyTheWindow(buffer)
          else if (fates[i] === 'shared') {
            sent[i]![3] = 200
            assert.is(buffer[3], 200)
          }
        }
        if (row.isOneMemory && transfers && shares)
          assert.is(new Set(buffers.map(({ buffer }) => buffer)).size, 1)
      }),
    )
  }

  owners(
    'the metadata is kept or given away, but arrives',
    withPair(async ({ left, atRight }) => {
      const { meta } = numbered(5)
      void left.send({ meta, buffers: [] })
      await atRight.reach(1)
      assert.equal(atRight.numbers, [5])
    }),
  )

  owners.run()

  const refusals = suite(`${name}: memory that is refused`)

  const detached = (): Uint8Array => {
    const view = whole()
    structuredClone(view, { transfer: [view.buffer as ArrayBuffer] })
    return view
  }
  interface Refusal {
    readonly name: string
    readonly code: ErrorCode
    readonly strict?: true
    readonly buffers: () => Uint8Array[]
    readonly transfer: (buffers: readonly Uint8Array[]) => Transfer
  }
  const strict = { code: 'NOT_TRANSFERABLE', strict: true } as const
  const refused: Refusal[] = [
    { name: 'detached', code: 'DETACHED', buffers: () => [whole(), detached()], transfer: () => false },
    { name: 'detached, true', code: 'DETACHED', buffers: () => [whole(), detached()], transfer: () => true },
    {
      name: 'detached, in the list',
      code: 'DETACHED',
      buffers: () => [whole()],
      transfer: () => [detached()],
    },
    { name: 'strict: part of a memory', ...strict, buffers: () => [whole(), part()], transfer: () => true },
    { name: 'strict: a pooled Buffer', ...strict, buffers: () => [whole(), pooled()], transfer: () => true },
    { name: 'strict: WebAssembly', ...strict, buffers: () => [whole(), wasm()], transfer: () => true },
    { name: 'strict: a pool in the list', ...strict, buffers: () => [whole(), pooled()], transfer: listed },
    {
      name: 'strict: WebAssembly in the list',
      ...strict,
      buffers: () => [whole(), wasm()],
      transfer: listed,
    },
  ]
  for (const { name: what, code, strict, buffers, transfer } of refused) {
    if (!transfers && (strict || what.includes('list'))) continue
    refusals(
      `${what}: ${code}; nothing is sent, moved or counted`,
      withPair(
        async ({ left, atRight }) => {
          const sent = buffers()
          assert.is(
            await codeOf(() => left.send({ meta: new Uint8Array(1), buffers: sent }, transfer(sent))),
            code,
          )
          assert.equal(sent[0], whole())
          assert.equal({ ...left.counts }, { copied: 0, transferred: 0, shared: 0 })
          assert.is(left.queuedBytes, 0)
          void left.send(numbered(3))
          await atRight.reach(1)
          assert.equal(atRight.numbers, [3])
        },
        strict ? { strict } : {},
      ),
    )
  }

  if (transfers) {
    refusals(
      'strict: whole memory and shared memory pass',
      withPair(
        async ({ left, atRight }) => {
          const sent = [whole(), ...(shares ? [shared()] : [])]
          void left.send({ meta: new Uint8Array(1), buffers: sent }, true)
          assert.is(sent[0]!.buffer.byteLength, 0)
          await atRight.reach(1)
        },
        { strict: true },
      ),
    )
  }

  refusals.run()
}

/** A received buffer lies on memory of its own: nothing before it but up to seven zeros, nothing behind. */
function onlyTheWindow({ buffer, byteOffset, byteLength }: Uint8Array): void {
  assert.instance(buffer, ArrayBuffer)
  assert.not.ok(Buffer.from(buffer).includes(canary), 'no neighbour arrives')
  const extra = buffer.byteLength - byteLength
  assert.ok(extra <= 7, `${extra} bytes more`)
  assert.ok(new Uint8Array(buffer, 0, byteOffset).every(byte => byte === 0))
  assert.is(byteOffset + byteLength, buffer.byteLength)
}
