/** The codec in the page: the tables of values and of hostile packets, and the golden packets. */

import * as assert from 'uvu/assert'
import { golden, goldenTypes } from '../../../fixtures/golden.js'
import { hostile } from '../../../fixtures/hostile.js'
import type { Entry } from '../../../fixtures/make.js'
import { type ValueRow, values } from '../../../fixtures/values.js'
import {
  Codec,
  type CodecOptions,
  isOutbandError,
  LIMITS,
  type Limits,
  type Packet,
} from '../../../src/index.js'
import { inBudget } from '../../budget.js'
import { canEval } from '../../eval.js'
import { canaries } from '../../prototypes.js'
import { difference } from '../../same.js'
import { CAN_EVAL, skip, suite } from './checks.js'
import { canShare, dom } from './dom.js'
import { withoutBuffers } from './missing.js'
import { expected, made, NOT_ISOLATED } from './rows.js'

const PROXIES = 'only Node can tell a proxy, elsewhere one passes (no other error than ours did leave)'
const DRIVEN = 'an error costs a driven page so much that its time says nothing'

/** Generated functions take over after 16 objects of a shape. */
const WARM = 20
const LARGE = 4000

function waysOf(row: ValueRow): CodecOptions[] {
  const thresholds = row.isShared ? [undefined, 0] : [undefined, 0, Number.POSITIVE_INFINITY]
  const ways: CodecOptions[] = thresholds.map(threshold => ({ threshold }))
  ways.push({ limits: { codegen: false } })
  return row.isGraph ? ways : [...ways, { references: false }]
}

suite('page')(CAN_EVAL, () => {
  if (!canEval()) skip('the policy of the page forbids it')
})

const each = suite('values')

for (const row of values) {
  each(row.name, () => {
    if (row.isShared && !canShare) skip(NOT_ISOLATED)
    for (const options of waysOf(row)) {
      const sent = made(row.make)
      const wanted = expected(row, sent)
      const codec = new Codec(options)
      const isSmall = codec.encode(sent).meta.length <= LARGE
      let copy: unknown
      for (let round = isSmall && options.limits === undefined ? WARM : 1; round > 0; round--)
        copy = codec.decode(codec.encode(sent))
      const found = difference(wanted, copy)
      assert.is(found, undefined, `${JSON.stringify(options)}: ${found}`)
    }
  })
}

const memory = suite('values: shared memory of a page that is not isolated')

for (const row of values.filter(({ isShared }) => isShared)) {
  memory(row.name, () => {
    if (canShare) skip('for pages that are not isolated')
    const sent = made(row.make)
    try {
      // There is nobody to share it with: a view arrives on a copy.
      const copy = new Codec().decode<ArrayBufferView>(new Codec().encode(sent))
      assert.ok(ArrayBuffer.isView(sent) && ArrayBuffer.isView(copy))
      assert.is(copy.constructor, sent.constructor)
      assert.is(hex(bytesOf(copy)), hex(bytesOf(sent)))
    } catch (error) {
      if (!isOutbandError(error, 'UNSUPPORTED')) throw error
    }
  })
}

const untouched = canaries()

for (const profile of ['trusted', 'untrusted'] as const) {
  const packets = suite(`hostile, ${profile}`)
  const codec = new Codec()
  for (const { threat, name, make, types, limits, [profile]: end } of hostile) {
    packets(`${threat}: ${name}`, async () => {
      const allowed: Limits = { ...LIMITS[profile], ...limits }
      if (/^1 MiB of (?:aggregate )?errors$/.test(name)) skip(DRIVEN)
      if (name.startsWith('shared memory') && !canShare) skip(NOT_ISOLATED)
      const { value, error } = await inBudget(() => {
        const packet = made(() => make(allowed))
        const run = () => quietly(() => codec.decode(packet, { limits: allowed, types }))
        return { size: packet.meta.length, run }
      })
      if (error !== undefined && !isOutbandError(error)) throw error
      assert.is(untouched(), undefined)
      if (/\bproxy\b/.test(name)) skip(PROXIES)
      if (typeof end === 'string') assert.is(error?.code, end, error?.message ?? 'it was accepted')
      else {
        assert.is(error, undefined, String(error))
        assert.ok(end(value), 'the value is not what it must be')
      }
    })
  }
}

/** Runs without stacks, which are most of the price of an error. */
function quietly(run: () => unknown): { value?: unknown; error?: unknown } {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return { value: run() }
  } catch (error) {
    return { error }
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Declares the checks of the golden packets, once they are here. */
export async function declareGolden(): Promise<void> {
  const bytes = suite('golden')
  const index = JSON.parse(new TextDecoder().decode(await load('index.json'))) as Entry[]
  const packets = await Promise.all(index.map(packetOf))
  for (const [i, entry] of index.entries()) {
    const row = golden.find(({ name }) => name === entry.name)
    // Of a kind that this browser lacks.
    if (row === undefined) continue
    const isShared = entry.buffers.some(({ shared }) => shared !== undefined)

    bytes(`${entry.name}: decode gives the value back`, () => {
      if (isShared && !canShare) skip(NOT_ISOLATED)
      const wanted = withoutBuffers(row.arrives ?? row.make)
      const codec = new Codec({ types: goldenTypes })
      for (let round = 0; round < WARM; round++) {
        const found = difference(wanted, codec.decode(packets[i]!))
        assert.is(found, undefined, found)
      }
    })

    bytes(`${entry.name}: encode makes the bytes that Node's makes`, () => {
      const value = made(row.make)
      if (!canShare && (isShared || row.options?.shared !== undefined)) skip(NOT_ISOLATED)
      const { meta, buffers } = new Codec({ ...row.options, types: goldenTypes }).encode(value)
      assert.is(hex(meta), hex(packets[i]!.meta))
      assert.equal(buffers.map(hex), packets[i]!.buffers.map(hex))
    })
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

const hex = (view: Uint8Array): string =>
  Array.from(view, byte => byte.toString(16).padStart(2, '0')).join('')

async function load(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(new URL(`/golden/${name}`, dom.location.href))
  if (!response.ok) throw new Error(`${name}: ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}

async function packetOf({ name, buffers }: Entry): Promise<Packet> {
  const files = buffers.map(async ({ shared: maxByteLength }, i) => {
    const bytes = await load(`${name}.${i}.bin`)
    if (maxByteLength === undefined) return bytes
    const options = maxByteLength > bytes.length ? { maxByteLength } : {}
    const copy = new Uint8Array(new SharedArrayBuffer(bytes.length, options), 0, bytes.length)
    copy.set(bytes)
    return copy
  })
  return { meta: await load(`${name}.meta`), buffers: await Promise.all(files) }
}
