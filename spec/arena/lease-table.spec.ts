import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../fixtures/random.js'
import { isOutbandError } from '../../src/errors.js'
import {
  ABSENT,
  ATTACHED,
  LEFT,
  LeaseHolder,
  LeaseLender,
  leaseTableBytes,
} from '../../src/memory/arena/lease-table.js'
import { thrown } from '../thrown.js'

const ID = new Uint8Array(16).map((_, i) => i + 1)
/** Bytes in front of the words; written down again here, since both sides rely on it. */
const HEAD_BYTES = 128

function table(leases = 2): { memory: ArrayBuffer; lender: LeaseLender<string>; holder: LeaseHolder } {
  const memory = new ArrayBuffer(leaseTableBytes(leases))
  const lender = new LeaseLender<string>(memory, ID, leases)
  return { memory, lender, holder: new LeaseHolder(memory, ID) }
}

const isStale = (run: () => unknown): boolean => isOutbandError(thrown(run), 'SHM_STALE')

const test = suite('arena: table of leases')

test('a lease goes out, is taken up once, and comes back by the next sweep', () => {
  const { lender, holder } = table()
  const { lease, tag } = lender.lend('a')!
  assert.equal(lender.sweep(true), [])
  holder.take(lease, tag)
  assert.ok(isStale(() => holder.take(lease, tag)))
  assert.equal(lender.sweep(), [])
  holder.give(lease, tag)
  assert.ok(isStale(() => holder.take(lease, tag)))
  assert.is(lender.active, 1)
  assert.equal(lender.sweep(), ['a'])
  assert.is(lender.active, 0)
})

test('a lease that is used again has another tag, and the old one opens and ends nothing', () => {
  const { lender, holder } = table(1)
  const first = lender.lend('a')!
  holder.take(first.lease, first.tag)
  holder.give(first.lease, first.tag)
  lender.sweep()
  const second = lender.lend('b')!
  assert.is(second.lease, first.lease)
  assert.is.not(second.tag, first.tag)
  assert.ok(isStale(() => holder.take(first.lease, first.tag)))
  holder.give(first.lease, first.tag)
  assert.equal(lender.sweep(true), [])
  holder.take(second.lease, second.tag)
})

test('with all leases out nothing is lent until one is back', () => {
  const { lender, holder } = table(2)
  const { lease, tag } = lender.lend('a')!
  lender.lend('b')
  assert.is(lender.lend('c'), undefined)
  holder.take(lease, tag)
  holder.give(lease, tag)
  assert.equal(lender.sweep(), ['a'])
  assert.is(lender.lend('c')?.lease, lease)
})

test('what was not sent is taken back, once', () => {
  const { lender } = table()
  const { lease, tag } = lender.lend('a')!
  assert.is(lender.recall(lease, tag + 1), undefined)
  assert.is(lender.recall(lease, tag), 'a')
  assert.is(lender.recall(lease, tag), undefined)
  assert.is(lender.recall(99, 1), undefined)
})

test('the end of a reader ends all its leases', () => {
  const { lender } = table(3)
  for (const item of ['a', 'b', 'c']) lender.lend(item)
  assert.equal(lender.end().sort(), ['a', 'b', 'c'])
  assert.equal(lender.end(), [])
  assert.is(lender.lend('d'), undefined)
})

test('presence is what the reader says', () => {
  const { lender, holder } = table()
  assert.is(lender.presence, ABSENT)
  holder.attach()
  assert.is(lender.presence, ATTACHED)
  holder.leave()
  assert.is(lender.presence, LEFT)
})

/** All orders of up to eight calls; what is lent is a number that counts up, and each is to come back exactly once. */
test('in every order of calls each item comes back once, after its reader has ended it', () => {
  let orders = 0
  const explore = (order: string): void => {
    if (order.length < 8) for (const call of 'ltgs') explore(order + call)
    const { lender, holder } = table(2)
    const waiting: { lease: number; tag: number; item: string }[] = []
    const taken: typeof waiting = []
    const ended = new Set<string>()
    const back: string[] = []
    let item = 0
    for (const call of order) {
      if (call === 'l') {
        const given = lender.lend(String(++item))
        if (given !== undefined) waiting.push({ ...given, item: String(item) })
      } else if (call === 't' && waiting.length > 0) {
        const next = waiting.shift()!
        holder.take(next.lease, next.tag)
        taken.push(next)
      } else if (call === 'g' && taken.length > 0) {
        const next = taken.pop()!
        holder.give(next.lease, next.tag)
        ended.add(next.item)
      } else if (call === 's') back.push(...lender.sweep())
    }
    back.push(...lender.sweep())
    assert.equal(back.toSorted(), [...ended].toSorted(), order)
    assert.is(lender.active, waiting.length + taken.length, order)
    orders++
  }
  explore('')
  assert.ok(orders > 80_000)
})

test.run()

const hostile = suite('arena: leases of a reader that writes nonsense')

hostile('whatever it writes, only what was lent to it is ended, and each once', () => {
  const random = new Random(574)
  for (let round = 0; round < 300; round++) {
    const { memory, lender } = table(8)
    const words = new Int32Array(memory)
    const out = new Set<string>()
    let item = 0
    for (let step = 0; step < 60; step++) {
      if (random.chance(0.4)) {
        const given = lender.lend(String(++item))
        if (given !== undefined) {
          out.add(String(item))
          assert.ok(given.lease >= 0 && given.lease < 8)
        }
      } else if (random.chance(0.5)) {
        const value = random.chance(0.8) ? random.int(-2, 5) : random.int(-(2 ** 31), 2 ** 31)
        Atomics.store(words, random.int(0, words.length), value)
      } else for (const ended of lender.sweep(random.chance(0.5))) assert.ok(out.delete(ended), ended)
      assert.is(lender.active, out.size)
    }
    for (const ended of lender.end()) assert.ok(out.delete(ended))
    assert.is(out.size, 0)
  }
})

const notTables: [name: string, spoil: (memory: ArrayBuffer) => ArrayBuffer][] = [
  ['no bytes', () => new ArrayBuffer(0)],
  ['a part of one', memory => memory.slice(0, 100)],
  ['one that is cut off', memory => memory.slice(0, HEAD_BYTES + 8)],
  ['one with more words than it says', memory => spoiled(memory, 5, 1)],
  ['one with fewer', memory => spoiled(memory, 5, 2 ** 30)],
  ['one with a negative number of them', memory => spoiled(memory, 5, -1)],
  ['one of another arena', memory => spoiled(memory, 1, 99)],
  ['zeros', memory => new ArrayBuffer(memory.byteLength)],
]

function spoiled(memory: ArrayBuffer, word: number, value: number): ArrayBuffer {
  const copy = memory.slice(0)
  new Int32Array(copy)[word] = value
  return copy
}

for (const [name, spoil] of notTables) {
  hostile(`${name}: no table`, () => {
    const { memory } = table(2)
    assert.ok(isStale(() => new LeaseHolder(spoil(memory), ID)))
  })
}

for (const lease of [2, 3, 2 ** 31, 2 ** 32 - 1]) {
  hostile(`lease ${lease} of two is none`, () => {
    const { lender, holder } = table(2)
    lender.lend('a')
    assert.ok(isStale(() => holder.take(lease, 1)))
  })
}

hostile.run()
