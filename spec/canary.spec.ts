/** No byte that no view covers leaves: threat row 28. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decode, encode } from '../src/index.js'
import { difference } from './same.js'

type Windows = [offset: number, length: number][]

const canary = Buffer.from('CANARY-d34db33f')
const leaks = (haystack: Uint8Array): boolean => Buffer.from(haystack.buffer).includes(canary)

/** Views with secrets on both sides of them. */
const guarded: [name: string, make: () => ArrayBufferView[]][] = [
  ['a small view', () => views(secretMemory(), [20, 4])],
  ['a view over the threshold', () => views(secretMemory(10_000), [20, 5000])],
  ['an empty view', () => views(secretMemory(), [20, 0])],
  ['views with a secret between them', () => views(secretMemory(), [20, 4], [40, 4])],
  ['a view that follows resizable memory', () => [following(secretMemory(60, 100))]],
  ['a DataView', () => [new DataView(secretMemory().buffer, 21, 3)]],
  ['shared memory that is copied', () => views(secretMemory(60, undefined, true), [20, 4])],
]

function secretMemory(
  byteLength = 60,
  maxByteLength?: number,
  isShared = false,
): Uint8Array & { buffer: ArrayBuffer } {
  const Memory = (isShared ? SharedArrayBuffer : ArrayBuffer) as ArrayBufferConstructor
  const memory = new Uint8Array(new Memory(byteLength, maxByteLength === undefined ? {} : { maxByteLength }))
  for (let at = 0; at + canary.length <= byteLength; at += canary.length) memory.set(canary, at)
  return memory as Uint8Array & { buffer: ArrayBuffer }
}

function following({ buffer }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, 50).fill(1)
}

function views({ buffer }: Uint8Array, ...windows: Windows): Uint8Array[] {
  for (const [offset, length] of windows) new Uint8Array(buffer, offset, length).fill(1)
  return windows.map(([offset, length]) => new Uint8Array(buffer, offset, length))
}

const secrets = suite('canary: what no view covers')

for (const [name, make] of guarded) {
  secrets(`stays at home: ${name}`, () => {
    for (const options of [{ threshold: 0 }, { threshold: Number.POSITIVE_INFINITY }, {}]) {
      const value = make()
      const packet = encode(value, { ...options, shared: 'copy', checksum: true })
      assert.not.ok(leaks(packet.meta))
      for (const buffer of packet.buffers) assert.not.ok(Buffer.from(buffer).includes(canary))
      const total = packet.buffers.reduce((sum, { byteLength }) => sum + byteLength, 0)
      assert.ok(total <= value.reduce((sum, view) => sum + view.byteLength, 0))
      const copies = decode<Uint8Array[]>({ ...packet, buffers: packet.buffers.map(b => b.slice()) })
      for (const copy of copies) assert.not.ok(leaks(copy))
    }
  })
}

secrets('a pooled Buffer leaves the pool behind, at any offset in it', () => {
  for (let i = 0; i < 40; i++) {
    const secret = Buffer.from('CANARY-d34db33f'.slice(0, 7 + (i % 9)))
    const sent = Buffer.from(`hi ${i}`)
    assert.is(secret.buffer, sent.buffer)
    for (const threshold of [0, Number.POSITIVE_INFINITY]) {
      const { meta, buffers } = encode({ sent }, { threshold })
      for (const bytes of [meta, ...buffers]) assert.not.ok(Buffer.from(bytes).includes('CANARY'))
      const received = buffers.map(buffer => buffer.slice())
      const copy = decode<{ sent: Buffer }>({ meta, buffers: received })
      assert.is(difference({ sent }, copy), undefined)
      assert.ok(copy.sent.buffer.byteLength < sent.byteLength + 8)
    }
  }
})

secrets('padding in front of a copied run is zero', () => {
  for (let offset = 0; offset < 8; offset++) {
    const { buffer } = new Uint8Array(64).fill(255)
    const sent = [new Uint8Array(buffer, offset, 8 - offset), new Float64Array(buffer, 8, 1)]
    const [copy] = decode<Uint8Array[]>(encode(sent, { threshold: Number.POSITIVE_INFINITY }))
    const whole = new Uint8Array(copy!.buffer)
    assert.equal([...whole.subarray(0, copy!.byteOffset)], new Array(copy!.byteOffset).fill(0))
    assert.is(whole.length, copy!.byteOffset + 16 - offset)
  }
})

secrets('meta holds nothing of messages before', () => {
  encode({ secret: canary.toString(), bytes: secretMemory() }, { threshold: Number.POSITIVE_INFINITY })
  for (const value of [1, 'a', new Uint8Array(3), new Array(100), { a: 1 }])
    assert.not.ok(leaks(encode(value).meta))
})

secrets.run()
