/** Tables of FlatBuffers: sent as their bytes, read where they arrive. */
import { Builder, ByteBuffer } from 'flatbuffers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Monster, Vec3, Weapon } from '../../fixtures/flatbuffers/index.js'
import { tableType } from '../../src/formats/flatbuffers.js'
import { flexbuffers } from '../../src/formats/flexbuffers.js'
import { pickle } from '../../src/formats/pickle/index.js'
import { decode, encode, isOutbandError, outOfBand, registry } from '../../src/index.js'
import { refused, thrown } from '../thrown.js'
import { formats } from './kit.js'

const types = registry(
  tableType({ tag: 'Monster', class: Monster }),
  tableType({ tag: 'Weapon', class: Weapon }),
)

/** A monster with a friend, in a buffer of its own with room before it. */
function monster(pathLength = 1000, isPrefixed = false): Monster {
  const builder = new Builder(64)
  const name = builder.createString('Orc')
  const axe = builder.createString('axe')
  Weapon.startWeapon(builder)
  Weapon.addName(builder, axe)
  Weapon.addDamage(builder, 7)
  const weapons = Monster.createWeaponsVector(builder, [Weapon.endWeapon(builder)])
  const friendName = builder.createString('Elf')
  Monster.startMonster(builder)
  Monster.addName(builder, friendName)
  const friend = Monster.endMonster(builder)
  const path = Monster.createPathVector(
    builder,
    Array.from({ length: pathLength }, (_, i) => i / 2),
  )
  Monster.startMonster(builder)
  Monster.addPosition(builder, Vec3.createVec3(builder, 1, 2, 3))
  Monster.addHp(builder, 300)
  Monster.addName(builder, name)
  Monster.addPath(builder, path)
  Monster.addWeapons(builder, weapons)
  Monster.addFriend(builder, friend)
  builder.finish(Monster.endMonster(builder), 'MONS', isPrefixed)
  const bytes = builder.dataBuffer()
  return isPrefixed ? Monster.getSizePrefixedRootAsMonster(bytes) : Monster.getRootAsMonster(bytes)
}

function told(table: Monster): unknown {
  const { length } = table.pathArray() ?? []
  return {
    x: table.position()?.x(),
    hp: table.hp(),
    name: table.name(),
    path: [length, table.path(1), table.pathArray()?.[length! - 1]],
    weapon: [table.weapons(0)?.name(), table.weapons(0)?.damage()],
    friend: table.friend()?.name(),
  }
}

const test = suite('formats: tables of FlatBuffers')

for (const format of [undefined, ...formats, flexbuffers, pickle]) {
  test(`in ${format?.name ?? 'our own format'}: ready to read on arrival, on the memory that came`, () => {
    const sent = monster()
    const packet = encode({ at: 1, monster: sent }, { types, format })
    assert.is(packet.buffers.length, 1)
    assert.is(packet.buffers[0]!.buffer, sent.bb!.bytes().buffer)
    assert.is(packet.buffers[0]!.byteLength, sent.bb!.capacity() - sent.bb!.position())
    assert.ok(packet.meta.length < 250)
    const received = packet.buffers.map(buffer => buffer.slice())
    const { monster: arrived } = decode<{ monster: Monster }>(
      { meta: packet.meta, buffers: received },
      { types, format },
    )
    assert.instance(arrived, Monster)
    assert.is(arrived.bb!.bytes().buffer, received[0]!.buffer)
    assert.equal(told(arrived), told(sent))
    assert.ok(Monster.bufferHasIdentifier(arrived.bb!))
  })

  test(`in ${format?.name ?? 'our own format'}: readable where it is not aligned, by one copy for all tables`, () => {
    const sent = monster()
    const { meta, buffers } = encode([sent, sent.friend()], { types, format })
    const received = new Uint8Array(buffers[0]!.length + 1)
    received.set(buffers[0]!, 1)
    const [arrived, friend] = decode<Monster[]>({ meta, buffers: [received.subarray(1)] }, { types, format })
    assert.equal(told(arrived!), told(sent))
    assert.is.not(arrived!.bb!.bytes().buffer, received.buffer)
    assert.is(friend!.bb!.bytes().buffer, arrived!.bb!.bytes().buffer)
  })

  test(`in ${format?.name ?? 'our own format'}: with its length before it, aligned as it was`, () => {
    const sent = monster(1000, true)
    const { meta, buffers } = encode({ sent }, { types, format })
    const { bb } = sent
    assert.is(buffers[0]!.byteLength, bb!.capacity() - bb!.position() + 4)
    const received = buffers.map(buffer => buffer.slice())
    const { sent: arrived } = decode<{ sent: Monster }>({ meta, buffers: received }, { types, format })
    assert.equal(told(arrived), told(sent))
    assert.is(arrived.bb!.bytes().buffer, received[0]!.buffer)
    assert.is(arrived.bb!.position(), 4)
    assert.ok(Monster.bufferHasIdentifier(arrived.bb!))
    // It can travel on.
    const on = decode<Monster>(encode(arrived, { types, format }), { types, format })
    assert.equal([told(on), on.bb!.position()], [told(sent), 4])
  })

  test(`in ${format?.name ?? 'our own format'}: refused from an untrusted peer, who is told why`, () => {
    const packet = encode(monster(), { types, format })
    const error = refused(() => decode(packet, { types, format, limits: 'untrusted' }), 'UNSUPPORTED', {
      limit: 'unverified',
    })
    assert.match(error.message, 'limits.unverified')
  })
}

test('tables of one buffer share it, and any of them can be sent', () => {
  const root = monster()
  const sent = { friend: root.friend()!, root, weapon: root.weapons(0)! }
  const packet = encode(sent, { types })
  assert.is(packet.buffers.length, 1)
  const arrived = decode<typeof sent>(packet, { types })
  assert.is(arrived.friend.name(), 'Elf')
  assert.is(arrived.weapon.damage(), 7)
  assert.equal(told(arrived.root), told(root))
  assert.is(arrived.friend.bb!.bytes().buffer, arrived.root.bb!.bytes().buffer)
})

test('bytes that begin where nothing is aligned', () => {
  const { bb } = monster(3)
  const memory = new Uint8Array(bb!.capacity() - bb!.position() + 1)
  memory.set(bb!.bytes().subarray(bb!.position()), 1)
  const sent = Monster.getRootAsMonster(new ByteBuffer(memory.subarray(1)))
  const arrived = decode<Monster>(encode(sent, { types }), { types })
  assert.equal([arrived.hp(), arrived.name(), arrived.path(1)], [sent.hp(), sent.name(), sent.path(1)])
})

test('bytes before the table stay at home', () => {
  const sent = monster()
  const bytes = sent.bb!.bytes()
  bytes.fill(0xcc, 0, sent.bb!.position())
  const { buffers } = encode(sent, { types })
  assert.is(Buffer.from(buffers[0]!).indexOf(Buffer.alloc(8, 0xcc)), -1)
})

test('in band it is copied, and reads the same', () => {
  const sent = monster()
  const { meta, buffers } = encode(sent, { types, threshold: Number.POSITIVE_INFINITY })
  assert.is(buffers.length, 0)
  assert.equal(told(decode<Monster>({ meta, buffers: [] }, { types })), told(sent))
})

const bad: [name: string, parts: unknown][] = [
  ['no bytes', { at: 0 }],
  ['no place', { bytes: new Uint8Array(64) }],
  ['a place past the end', { at: 64, bytes: new Uint8Array(64) }],
  ['a place of −4', { at: -4, bytes: new Uint8Array(64) }],
  ['a vtable before the bytes', { at: 8, bytes: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 127, 0, 0, 0) }],
  ['a vtable of one byte', { at: 4, bytes: Uint8Array.of(1, 0, 4, 0, 4, 0, 0, 0) }],
  ['a table past the end', { at: 4, bytes: Uint8Array.of(4, 0, 255, 0, 4, 0, 0, 0) }],
  ['a table one byte past the end', { at: 4, bytes: Uint8Array.of(4, 0, 5, 0, 4, 0, 0, 0) }],
  ['a vtable one byte past the end', { at: 0, bytes: Uint8Array.of(252, 255, 255, 255, 6, 0, 4, 0, 0) }],
  ['a vtable of two bytes', { at: 4, bytes: Uint8Array.of(2, 0, 4, 0, 4, 0, 0, 0) }],
  ['a vtable of five bytes', { at: 6, bytes: Uint8Array.of(5, 0, 4, 0, 0, 0, 6, 0, 0, 0) }],
  ['a table of three bytes', { at: 4, bytes: Uint8Array.of(4, 0, 3, 0, 4, 0, 0, 0) }],
  ['a field past its table', { at: 6, bytes: Uint8Array.of(6, 0, 4, 0, 9, 0, 6, 0, 0, 0) }],
  ['a field just behind its table', { at: 6, bytes: Uint8Array.of(6, 0, 4, 0, 4, 0, 6, 0, 0, 0) }],
]
for (const [name, parts] of bad) {
  test(`${name} is REBUILD`, () => {
    const sender = registry(...types.types.map(type => ({ ...type, reduce: () => parts })))
    refused(() => decode(encode(monster(), { types: sender }), { types }), 'REBUILD', { tag: 'Monster' })
  })
}

test('a table, and a vtable, may end with the bytes', () => {
  for (const parts of [
    { at: 4, bytes: Uint8Array.of(4, 0, 4, 0, 4, 0, 0, 0) },
    { at: 0, bytes: Uint8Array.of(252, 255, 255, 255, 4, 0, 4, 0) },
    { at: 6, bytes: Uint8Array.of(6, 0, 4, 0, 3, 0, 6, 0, 0, 0) },
  ]) {
    const sender = registry(...types.types.map(type => ({ ...type, reduce: () => parts })))
    assert.instance(decode(encode(monster(), { types: sender }), { types }), Monster)
  }
})

test('a table that has no bytes yet cannot travel', () => {
  const error = thrown(() => encode({ a: new Monster() }, { types })) as Error
  assert.instance(error, TypeError)
  assert.match(error.message, 'tableType Monster: wanted a table with its bytes')
})

test('flipped bits are a table or REBUILD', () => {
  const bytes = monster(4).bb!
  const good = bytes.bytes().slice(bytes.position())
  const at = new ByteBuffer(good).readInt32(0)
  let tables = 0
  let refusals = 0
  for (let bit = 0; bit < good.length * 8; bit++) {
    const flipped = good.slice()
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    const sender = registry(
      ...types.types.map(type => ({ ...type, reduce: () => ({ at, bytes: outOfBand(flipped) }) })),
    )
    try {
      assert.instance(decode(encode(monster(), { types: sender }), { types }), Monster)
      tables++
    } catch (error) {
      if (!isOutbandError(error, 'REBUILD')) throw error
      refusals++
    }
  }
  assert.ok(tables > 0)
  assert.ok(refusals > 0)
})

test.run()
