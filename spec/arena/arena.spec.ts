/** Owner and reader in one process, which is all the same to both: what is lent, and what the reader gets. */
import { closeSync, openSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { typedArrays } from '../../fixtures/arrays.js'
import { decode, encode, isReadonly, OutbandError, outOfBand } from '../../src/index.js'
import { MAX_BLOCK } from '../../src/memory/arena/handle.js'
import { placeOf } from '../../src/memory/mapping.js'
import { isSealed } from '../../src/memory/memfd.js'
import { call } from '../../src/memory/posix.js'
import { ArenaReader, type ArrayType, leaseOf, release, SharedArena } from '../../src/shm/index.js'
import { descriptorsOfShm, isLinux } from '../shm/kit.js'
import { thrown } from '../thrown.js'
import { endsOf, refused, withArena } from './kit.js'

const types: ArrayType<ArrayBufferView>[] = [...typedArrays, DataView, Buffer as unknown as ArrayType<Buffer>]

const arrays = suite('arena: arrays of the owner')
arrays.after(() => assert.equal(descriptorsOfShm(), []))
const row = isLinux ? arrays : arrays.skip

for (const Type of types) {
  row(
    `a ${Type.name} is zeros at a multiple of 64 bytes, with an ArrayBuffer to itself, also where others have been`,
    withArena(arena => {
      for (const length of [1, 7, 64, 1000, 7, 64]) {
        const array = arena.alloc(Type, length)
        const { buffer, byteOffset, byteLength } = array
        assert.is(Object.getPrototypeOf(array), Type.prototype)
        assert.equal([byteOffset, byteLength], [0, buffer.byteLength])
        assert.is(byteLength, length * (Type.BYTES_PER_ELEMENT ?? 1))
        assert.is(placeOf(buffer)!.byteOffset % 64, 0)
        const bytes = new Uint8Array(buffer)
        assert.ok(bytes.every(byte => byte === 0))
        bytes.fill(255)
        assert.ok(arena.owns(array) && arena.owns(buffer))
        release(array)
        assert.not.ok(arena.owns(array))
      }
      assert.is(arena.stats.usedBytes, 0)
    }),
  )
}

row(
  'what holds no options is a TypeError',
  withArena(async arena => {
    const lender = arena.lender()
    for (const none of ['untrusted', null, 5, []] as never[]) {
      const waits = [arena.roomFor(8, none), lender.lendWhenRoom(encode(1), none)]
      const errors = await Promise.all(waits.map(wait => wait.then(() => undefined, String)))
      errors.push(String(thrown(() => arena.alloc(Uint8Array, 1, none))))
      for (const error of errors) assert.match(error ?? '', /^TypeError: options: wanted an object/)
    }
  }),
)

row(
  'an array of no elements is an ordinary one',
  withArena(arena => {
    assert.is(arena.alloc(Float64Array, 0).length, 0)
    assert.is(arena.stats.blocks, 0)
  }),
)

row(
  'a copy has the kind, the window and the bytes of what was copied',
  withArena(arena => {
    class Samples extends Float32Array {}
    const sources = [
      new Float64Array([1, 2, 3]).subarray(1),
      Buffer.from('hello'),
      new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2),
    ]
    for (const source of sources) {
      const copy = arena.copy(source)
      assert.is(Object.getPrototypeOf(copy), Object.getPrototypeOf(source))
      assert.is(Buffer.compare(bytesOf(copy), bytesOf(source)), 0)
      assert.ok(arena.owns(copy))
    }
    assert.is(arena.copy(new Samples(2)).constructor, Float32Array)
  }),
)

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

row(
  'with zero: false a block keeps what was there',
  withArena(arena => {
    const first = arena.alloc(Uint8Array, 100).fill(7)
    release(first)
    const second = arena.alloc(Uint8Array, 100, { zero: false })
    assert.is(placeOf(second.buffer)!.byteOffset, placeOf(first.buffer)!.byteOffset)
    assert.is(second[99], 7)
  }),
)

row('a closed arena gives nothing more, and its arrays stay', () => {
  const arena = SharedArena.create({ byteLength: 10_000 })
  const { lender, reader, send } = endsOf(arena)
  const array = arena.alloc(Uint8Array, 100).fill(3)
  const seen = send(array)
  const packet = lender.lend(encode(array, { threshold: 0 }))
  arena.close()
  arena.close()
  refused(() => arena.alloc(Uint8Array, 1), 'CLOSED')
  refused(() => arena.lender(), 'CLOSED')
  refused(() => lender.lend(encode(array, { threshold: 0 })), 'CLOSED')
  array[5] = 9
  assert.is(seen[5], 9)
  const late = decode<Uint8Array>(reader.open(packet))
  assert.is(late[5], 9)
  release(late)
  release(array)
  reader.close()
  reader.close()
  refused(() => reader.open(packet), 'CLOSED')
  assert.is(seen[5], 9)
})

arrays.run()

const lending = suite('arena: lending')
lending.after(() => assert.equal(descriptorsOfShm(), []))
const lent = isLinux ? lending : lending.skip

lent(
  'a value with arrays of the arena arrives on the same bytes, and nothing of them is copied',
  withArena(arena => {
    const { send } = endsOf(arena)
    const pixels = arena.alloc(Float32Array, 50_000).fill(1.5)
    const { usedBytes } = arena.stats
    const seen = send({ id: 7, pixels, name: 'a scan' })
    assert.equal([seen.id, seen.name, seen.pixels.length], [7, 'a scan', 50_000])
    assert.instance(seen.pixels, Float32Array)
    assert.is(seen.pixels.byteOffset, 0)
    assert.is(arena.stats.usedBytes, usedBytes)
    pixels[49_999] = 8
    assert.is(seen.pixels[49_999], 8)
    assert.is.not(seen.pixels.buffer, pixels.buffer)
  }),
)

lent(
  'an array of one element travels as a handle, too',
  withArena(arena => {
    const { send } = endsOf(arena)
    const one = arena.alloc(Int32Array, 1)
    const seen = send([one])[0]!
    Atomics.store(one, 0, 42)
    assert.is(Atomics.load(seen, 0), 42)
    assert.is(Atomics.add(seen, 0, 1), 42)
    assert.is(one[0], 43)
  }),
)

lent(
  'arrays of the arena are read-only for readers, and so is every view on them; what is copied is not',
  withArena(arena => {
    const { send } = endsOf(arena)
    const own = arena.alloc(Uint8Array, 10_000)
    const seen = send({ own, few: arena.alloc(Uint8Array, 3), ordinary: new Uint8Array(10_000) })
    assert.not.ok(isReadonly(own))
    assert.ok(isReadonly(seen.own) && isReadonly(seen.few))
    assert.ok(isReadonly(seen.own.subarray(5)) && isReadonly(new DataView(seen.own.buffer)))
    assert.not.ok(isReadonly(seen.ordinary))
    const again = decode<Uint8Array>(encode(seen.own, { threshold: Number.POSITIVE_INFINITY }))
    assert.ok(isReadonly(again))
    // The same window, as something that may be written.
    release(seen)
    release(own)
    const later = send(new Uint8Array(10_000))
    assert.not.ok(isReadonly(later))
    assert.ok(isReadonly(send(outOfBand(new Uint8Array(5000), { readonly: true })) as unknown as Uint8Array))
  }),
)

lent(
  'with writable readers may write',
  withArena(
    arena => {
      const { send } = endsOf(arena)
      const own = arena.alloc(Uint8Array, 100)
      const seen = send({ own }).own
      assert.not.ok(isReadonly(seen))
      seen[3] = 5
      assert.is(own[3], 5)
    },
    { writable: true },
  ),
)

lent(
  'views on one block alias again, with one lease',
  withArena(arena => {
    const { lender, send } = endsOf(arena)
    const bytes = arena.alloc(Uint8Array, 10_000).map((_, i) => i)
    const own = arena.copy(bytes)
    const value = {
      head: own.subarray(0, 100),
      tail: new Float32Array(own.buffer, 8000, 10),
      whole: own.buffer,
    }
    const seen = send({ head: value.head, tail: value.tail })
    assert.is(seen.head.buffer, seen.tail.buffer)
    assert.is(lender.leases, 1)
    assert.equal([...seen.head], [...value.head])
    assert.is(seen.tail.byteOffset, 8000)
    const all = send(value)
    assert.is(all.whole, all.head.buffer)
    assert.is(all.whole.byteLength, 10_000)
    assert.is(lender.leases, 2)
  }),
)

lent(
  "ordinary arrays are copied once, wherever they lie, and are the reader's from then on",
  withArena(arena => {
    const { send } = endsOf(arena)
    const memory = new Uint8Array(40_000).map((_, i) => i * 7)
    for (const [at, length] of [
      [0, 9000],
      [1, 9000],
      [7, 5000],
      [64, 4096],
      [12, 4099],
    ] as const) {
      const bytes = memory.subarray(at, at + length)
      const seen = send(bytes)
      assert.equal(Buffer.compare(seen, bytes), 0)
      assert.is((placeOf(seen.buffer)!.byteOffset + seen.byteOffset - at) % 8, 0)
    }
    const doubles = new Float64Array(memory.buffer, 8, 1000)
    const value = { odd: memory.subarray(1, 8005), doubles }
    const seen = send(value)
    assert.equal([...seen.doubles], [...doubles])
    assert.is(seen.odd.buffer, seen.doubles.buffer)
    assert.ok(placeOf(seen.doubles.buffer), 'in place')
    memory.fill(0)
    assert.is.not(seen.odd[3], 0)
  }),
)

lent(
  'short and empty arrays, and everything else, arrive as they always do',
  withArena(arena => {
    const { send } = endsOf(arena)
    const value = { few: new Uint8Array([1, 2]), none: new Float64Array(0), map: new Map([[1, new Date(5)]]) }
    const seen = send(value)
    assert.equal(seen, value)
    assert.is(placeOf(seen.few.buffer), undefined)
    const { lender, reader } = endsOf(arena)
    const packet = lender.lend(encode([new Uint8Array(0), new Uint8Array([7])], { threshold: 0 }))
    assert.equal(decode(reader.open(packet)), [new Uint8Array(0), new Uint8Array([7])])
  }),
)

lent(
  'one array is stored once, however many readers it is sent to',
  withArena(arena => {
    const own = arena.alloc(Float64Array, 10_000).fill(2)
    const { usedBytes } = arena.stats
    const readers = Array.from({ length: 20 }, () => endsOf(arena))
    const seen = readers.map(({ send }) => send({ own }).own)
    assert.equal([arena.stats.usedBytes, arena.stats.blocks, arena.stats.leases], [usedBytes, 1, 20])
    release(own)
    for (const array of seen) {
      assert.is(arena.stats.blocks, 1)
      assert.is(array[9_999], 2)
      release(array)
    }
    assert.is(arena.stats.blocks, 0)
  }),
)

lent(
  'an array that lost its memory is neither copied nor lent, and nothing of its packet is',
  withArena(arena => {
    const { lender } = endsOf(arena)
    const array = new Float64Array(1000)
    const packet = encode([arena.alloc(Uint8Array, 10), array], { threshold: 0 })
    structuredClone(array, { transfer: [array.buffer] })
    refused(() => arena.copy(array), 'DETACHED')
    refused(() => lender.lend(packet), 'DETACHED')
    assert.equal([arena.stats.leases, arena.stats.blocks], [0, 1])
  }),
)

lent(
  'what was lent and not sent is taken back',
  withArena(arena => {
    const { lender, reader } = endsOf(arena)
    const packet = lender.lend(encode([arena.alloc(Uint8Array, 10), new Uint8Array(5000)], { threshold: 0 }))
    assert.is(arena.stats.leases, 2)
    lender.recall(packet)
    lender.recall(packet)
    assert.equal([arena.stats.leases, arena.stats.blocks], [0, 1])
    refused(() => reader.open(packet), 'SHM_STALE')
  }),
)

lending.run()

const ending = suite('arena: the ends of leases')
ending.after(() => assert.equal(descriptorsOfShm(), []))
const ended = isLinux ? ending : ending.skip

ended(
  'release ends the lease of every array of a value, deep inside, and of nothing else',
  withArena(arena => {
    const { send } = endsOf(arena)
    const other = send(new Uint8Array(5000))
    const value = {
      list: [new Map([['a', arena.alloc(Uint8Array, 100)]])],
      ordinary: new Uint8Array(5000),
      few: [1],
    }
    const seen = send(value)
    assert.is(arena.stats.leases, 3)
    release(seen)
    assert.is(arena.stats.leases, 1)
    assert.is(release([other, 'and', new Uint8Array(3)]), true)
    assert.is(arena.stats.leases, 0)
    assert.ok(arena.owns(value.list[0]!.get('a')!))
  }),
)

ended(
  'a second release is SHM_STALE, and ends nothing',
  withArena(arena => {
    const { send } = endsOf(arena)
    const own = arena.alloc(Uint8Array, 6000)
    const [first, second] = [send({ own }), send({ own, more: new Uint8Array(6000) })]
    release(first)
    refused(() => release(first), 'SHM_STALE')
    refused(() => release(first.own), 'SHM_STALE')
    refused(() => release([second, first]), 'SHM_STALE')
    assert.is(arena.stats.leases, 2)
    release(second)
    refused(() => release({ again: second.more }), 'SHM_STALE')
    release(own)
    refused(() => release(own), 'SHM_STALE')
    assert.equal([arena.stats.leases, arena.stats.blocks], [0, 0])
  }),
)

ended(
  'a second release is SHM_STALE also when the window has another lease by then',
  withArena(arena => {
    for (const reuse of [true, false]) {
      const { send } = endsOf(arena, { reuse })
      const bytes = new Uint8Array(9000).fill(1)
      const first = send({ bytes, head: bytes.subarray(0, 10) })
      release(first)
      const second = send({ bytes: new Uint8Array(9000).fill(2) })
      assert.is(second.bytes.buffer === first.bytes.buffer, reuse)
      refused(() => release(first), 'SHM_STALE')
      refused(() => release(first.bytes), 'SHM_STALE')
      refused(() => release([first.head]), 'SHM_STALE')
      assert.is(arena.stats.leases, 1)
      assert.is(second.bytes[8999], 2)
      release(second)
      assert.is(arena.stats.leases, 0)
    }
  }),
)

ended(
  'of what no arena knows there is nothing to release',
  withArena(arena => {
    for (const value of [
      new Uint8Array(5000),
      { a: [1, 'b', new ArrayBuffer(8)] },
      undefined,
      Buffer.from('x'),
    ]) {
      assert.is(release(value), false)
      assert.is(release(value), false, 'and again')
      using lease = leaseOf(value)
      assert.is(lease.size, 0)
    }
    refused(() => release({ value: () => {} }), 'UNSUPPORTED')
    assert.is(arena.stats.leases, 0)
  }),
)

ended(
  'an ArrayBuffer is released by itself, and not used again',
  withArena(arena => {
    const { send } = endsOf(arena)
    const seen = send({ memory: new Uint8Array(8000).buffer })
    assert.ok(placeOf(seen.memory))
    release(seen)
    refused(() => release(seen), 'SHM_STALE')
    const later = send({ memory: new Uint8Array(8000).buffer })
    assert.is.not(later.memory, seen.memory)
    refused(() => release(seen), 'SHM_STALE')
    assert.is(arena.stats.leases, 1)
  }),
)

ended(
  'using ends leases at the end of a scope, those that are not over by then',
  withArena(arena => {
    const { send } = endsOf(arena)
    const [a, b] = [send({ x: new Uint8Array(5000) }), send({ x: new Uint8Array(5000) })]
    {
      using lease = leaseOf([a, b])
      assert.is(lease.size, 2)
      release(a)
      assert.is(arena.stats.leases, 1)
    }
    assert.is(arena.stats.leases, 0)
    refused(() => release(b), 'SHM_STALE')
    refused(() => leaseOf(b), 'SHM_STALE')
  }),
)

ended(
  'what was released can be read for ever, and is sent no more',
  withArena(arena => {
    const { lender, send } = endsOf(arena)
    const own = arena.alloc(Uint8Array, 5000).fill(1)
    const seen = send(own)
    release(seen)
    release(own)
    for (let i = 0; i < 10_000; i++) assert.ok(own[i % 5000]! + seen[i % 5000]! < 512)
    refused(() => lender.lend(encode(own, { threshold: 0 })), 'SHM_STALE')
    refused(() => lender.lend(encode(seen, { threshold: 0 })), 'SHM_STALE')
    refused(() => arena.copy(own), 'SHM_STALE')
  }),
)

ended(
  'a reader that leaves ends its leases, and reads on',
  withArena(arena => {
    const { reader, lender, send } = endsOf(arena)
    const seen = send(new Uint8Array(5000).fill(4))
    reader.close()
    assert.equal([arena.stats.leases, arena.stats.readers, lender.isOver], [0, 0, true])
    assert.is(seen[4999], 4)
    release(seen)
    refused(() => lender.lend(encode(1)), 'PEER_GONE')
    lender.end()
  }),
)

ended(
  'a packet for a reader that has left, which is found out in the midst of it, leaves nothing behind',
  withArena(arena => {
    for (const count of [1, 3]) {
      const { lender, reader } = endsOf(arena)
      const own = arena.alloc(Uint8Array, 100)
      reader.close()
      const value = [own, ...Array.from({ length: count }, () => new Uint8Array(5000))]
      refused(() => lender.lend(encode(value, { threshold: 0 })), 'PEER_GONE')
      release(own)
      assert.equal([arena.stats.leases, arena.stats.blocks, arena.stats.readers], [0, 0, 0])
    }
  }),
)

ended(
  'a reader that is given up ends, and harms nobody with what it does later',
  withArena(arena => {
    const [late, other] = [endsOf(arena), endsOf(arena)]
    const seen = late.send(new Uint8Array(5000))
    late.lender.end()
    assert.is(arena.stats.leases, 0)
    const [mine] = [other.send(new Uint8Array(5000).fill(6))]
    release(seen)
    late.reader.close()
    assert.equal([arena.stats.leases, arena.stats.readers], [1, 1])
    assert.is(mine[4999], 6)
  }),
)

ending.run()

const strange = suite('arena: handles and tickets that are none')
strange.after(() => assert.equal(descriptorsOfShm(), []))
const odd = isLinux ? strange : strange.skip

odd(
  'a packet can be opened once, by its reader, while it is lent',
  withArena(arena => {
    const [one, two] = [endsOf(arena), endsOf(arena)]
    const packet = one.lender.lend(encode([new Uint8Array(5000), new Uint8Array(6000)]))
    refused(() => two.reader.open(packet), 'SHM_STALE')
    const seen = decode(one.reader.open(packet))
    refused(() => one.reader.open(packet), 'SHM_STALE')
    assert.is(arena.stats.leases, 2)
    release(seen)
    refused(() => one.reader.open(packet), 'SHM_STALE')
    // The same lease, for something else.
    one.lender.lend(encode([new Uint8Array(5000), new Uint8Array(6000)]))
    refused(() => one.reader.open(packet), 'SHM_STALE')
  }),
)

odd(
  'of a packet with one bad handle nothing is left open',
  withArena(arena => {
    const { lender, reader } = endsOf(arena)
    const bad: [code: 'MALFORMED' | 'SHM_STALE', spoil: (handle: Uint8Array) => Uint8Array][] = [
      ['MALFORMED', handle => handle.subarray(1)],
      ['SHM_STALE', handle => handle.fill(9, 24, 28)],
      ['SHM_STALE', handle => handle.fill(9, 28, 32)],
      ['SHM_STALE', handle => handle.fill(9, 8, 24)],
      ['MALFORMED', handle => handle.fill(255, 32, 40)],
    ]
    for (const [code, spoil] of bad) {
      const { meta, buffers } = lender.lend(encode([new Uint8Array(5000), new Uint8Array(6000)]))
      refused(() => reader.open({ meta, buffers: [buffers[0]!, spoil(buffers[1]!.slice())] }), code)
      // One lease was taken up and given back, the other never found out about.
      assert.is(arena.stats.leases, 1)
      lender.recall({ meta, buffers })
      assert.is(arena.stats.leases, 0)
    }
  }),
)

odd(
  'a lease is on one block',
  withArena(arena => {
    const { lender, reader } = endsOf(arena)
    const own = arena.alloc(Uint8Array, 1000)
    const { meta, buffers } = lender.lend(
      encode([own.subarray(0, 10), own.subarray(20, 30)], { threshold: 0 }),
    )
    const other = buffers[1]!.slice()
    new DataView(other.buffer).setUint32(40, 500, true)
    refused(() => reader.open({ meta, buffers: [buffers[0]!, other] }), 'MALFORMED')
  }),
)

odd(
  'a ticket is good for one reader',
  withArena(arena => {
    const lender = arena.lender()
    const reader = ArenaReader.attach(lender.ticket)
    refused(() => ArenaReader.attach(lender.ticket), 'LOCKED')
    reader.close()
    refused(() => ArenaReader.attach(lender.ticket), 'LOCKED')
    arena.sweep()
    refused(() => ArenaReader.attach(lender.ticket), 'SHM_STALE')
  }),
)

odd(
  'a ticket that names something else is refused',
  withArena(arena => {
    const { ticket } = arena.lender()
    const file = openSync('/dev/null', 'r')
    const empty = emptySegment()
    const rows = [
      [{ ...ticket, pid: 2 ** 30 }, 'PEER_GONE'],
      [{ ...ticket, table: file }, 'SHM_STALE'],
      [{ ...ticket, segment: file }, 'SHM_STALE'],
      [{ ...ticket, segment: 1_000_000 }, 'SHM_STALE'],
      [{ ...ticket, table: empty }, 'SHM_STALE'],
      [{ ...ticket, segment: empty }, 'SHM_STALE'],
      [{ ...ticket, table: ticket.segment, segment: ticket.table }, 'SHM_STALE'],
      [{ ...ticket, segment: ticket.table }, 'SHM_STALE'],
      [{ ...ticket, arena: '0'.repeat(32) }, 'SHM_STALE'],
      [{ ...ticket, arena: 'nonsense' }, 'MALFORMED'],
      [{ ...ticket, pid: '../../..' as unknown as number }, 'MALFORMED'],
      [undefined as unknown as typeof ticket, 'MALFORMED'],
    ] as const
    for (const [ticket, code] of rows) refused(() => ArenaReader.attach(ticket), code)
    closeSync(file)
    closeSync(empty)
    ArenaReader.attach(ticket).close()
  }),
)

/** A sealed segment of no bytes, which `createMemoryFile` does not make. */
function emptySegment(): number {
  const [allowSealing, addSeals, shrinkAndGrow] = [2, 1033, 6]
  const fd = call('memfd_create', 'spec', allowSealing) as number
  call('fcntl', fd, addSeals, 'int', shrinkAndGrow)
  assert.ok(isSealed(fd))
  return fd
}

odd('mistakes in arguments are TypeErrors', () => {
  const create = (options: object) => () => SharedArena.create({ byteLength: 1000, ...options })
  const arena = SharedArena.create({ byteLength: 1000 })
  const lender = arena.lender()
  const { ticket } = lender
  const reader = ArenaReader.attach(ticket)
  const value = { pixels: new Uint8Array(5) }
  const mistakes = [
    create({ byteLength: 0 }),
    create({ byteLength: 1.5 }),
    create({ byteLength: Number.POSITIVE_INFINITY }),
    create({ writable: 1 }),
    create({ leases: 0 }),
    create({ label: 7 }),
    () => SharedArena.create(undefined as never),
    () => arena.alloc(Array as never, 5),
    () => arena.alloc(Date as never, 5),
    () => arena.alloc(Uint8Array, -1),
    () => arena.alloc(Float64Array, 0.5),
    () => arena.alloc(Uint8Array, MAX_BLOCK + 1),
    () => arena.alloc('Uint8Array' as never, 1),
    () => arena.copy([1] as never),
    () => arena.hasRoom(-1),
    () => ArenaReader.attach(ticket, { reuse: 1 as never }),
    () => lender.lend(value as never),
    () => reader.open(value as never),
    () => reader.open(undefined as never),
  ]
  for (const mistake of mistakes) {
    const error = thrown(mistake)
    assert.ok(error instanceof TypeError && !(error instanceof OutbandError), `${mistake}: ${error}`)
    assert.match(error.message, ': wanted ')
  }
  reader.close()
  arena.close()
})

strange.run()
