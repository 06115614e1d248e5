/** What a view says of its memory on arrival: read-only or not, shared between threads or not. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decode, encode, isReadonly, outOfBand, type PacketLike } from '../src/index.js'
import { difference } from './same.js'
import { refused } from './thrown.js'

const IN_BAND = { threshold: Number.POSITIVE_INFINITY }
const OUT_OF_BAND = { threshold: 0 }

const numbers = (): Float64Array => Float64Array.from({ length: 1000 }, (_, i) => i / 3)
/** The buffer again, where a Float64Array is not aligned. */
const unaligned = (buffer: Uint8Array): Uint8Array => {
  const moved = new Uint8Array(buffer.length + 1).subarray(1)
  moved.set(buffer)
  return moved
}

const flags = suite('sharing: read-only')

flags('a view is read-only when its sender said so, in place, copied and in band', () => {
  const sent = [outOfBand(numbers(), { readonly: true }), outOfBand(numbers()), numbers()]
  const packets: PacketLike[] = [encode(sent, IN_BAND), encode(sent)]
  packets.push({
    meta: packets[1]!.meta,
    buffers: [...packets[1]!.buffers].map(b => unaligned(b as Uint8Array)),
  })
  for (const packet of packets) {
    assert.equal(decode<Float64Array[]>(packet).map(isReadonly), [true, false, false])
  }
})

flags('a view that was met before is read-only all the same', () => {
  const view = numbers()
  const wish = () => outOfBand(view, { readonly: true })
  for (const sent of [
    [wish(), view],
    [view, wish()],
    [outOfBand(view), wish()],
  ]) {
    for (const options of [IN_BAND, OUT_OF_BAND]) {
      const [first, second] = decode<Float64Array[]>(encode(sent, options))
      assert.is(first, second)
      assert.ok(isReadonly(first!))
    }
  }
})

flags('each view of a run says it for itself', () => {
  const memory = new Uint8Array(16)
  const sent = [outOfBand(memory.subarray(0, 8), { readonly: true }), memory.subarray(4, 12)]
  for (const options of [IN_BAND, OUT_OF_BAND]) {
    const copies = decode<Uint8Array[]>(encode(sent, options))
    assert.equal(copies.map(isReadonly), [true, false])
    assert.is(copies[0]!.buffer, copies[1]!.buffer)
  }
})

flags('it travels on, until somebody declares otherwise', () => {
  const once = decode<Float64Array>(encode(outOfBand(numbers(), { readonly: true })))
  assert.ok(isReadonly(decode<Float64Array[]>(encode([once]))[0]!))
  assert.ok(isReadonly(decode(encode(outOfBand(once)))))
  assert.not.ok(isReadonly(decode(encode(outOfBand(once, { readonly: false })))))
  assert.ok(isReadonly(once))
})

flags('the sender keeps its view as it was', () => {
  const view = numbers()
  encode(outOfBand(view, { readonly: true }))
  assert.not.ok(isReadonly(view))
})

flags.run()

const shares = suite('sharing: shared memory')

const sharedView = (): Int32Array => new Int32Array(new SharedArrayBuffer(64), 8, 4)

shares('stays shared, below the threshold too', () => {
  const sent = sharedView()
  for (const value of [sent, sent.buffer, [sent, sent.buffer]]) {
    const packet = encode(value)
    assert.is(packet.buffers.length, 1)
    assert.is(difference(value, decode(packet)), undefined)
  }
  const copy = decode<Int32Array>(encode(sent))
  assert.is(copy.buffer, sent.buffer)
  Atomics.store(copy, 0, 7)
  assert.is(sent[0], 7)
})

shares('is refused in band', () => {
  for (const value of [sharedView(), sharedView().buffer]) {
    refused(() => encode([value], IN_BAND), 'UNSUPPORTED')
    refused(() => encode([value], { bufferCallback: () => true }), 'UNSUPPORTED')
    assert.is(encode([value], { bufferCallback: () => false }).buffers.length, 1)
  }
})

shares("travels as a copy with shared: 'copy', on plain memory", () => {
  const sent = sharedView()
  sent[0] = 5
  for (const threshold of [0, Number.POSITIVE_INFINITY]) {
    const packet = encode({ sent, memory: sent.buffer }, { shared: 'copy', threshold })
    for (const { buffer } of packet.buffers) assert.instance(buffer, ArrayBuffer)
    const copy = decode<{ sent: Int32Array; memory: ArrayBuffer }>(packet, { limits: 'untrusted' })
    assert.instance(copy.memory, ArrayBuffer)
    assert.is(copy.sent.buffer, copy.memory)
    assert.is(copy.sent[0], 5)
    sent[0] = 5
  }
})

shares('growable memory that is copied is resizable', () => {
  const memory = new SharedArrayBuffer(8, { maxByteLength: 64 })
  const copy = decode<ArrayBuffer>(encode(memory, { shared: 'copy', threshold: 0 }))
  assert.ok(copy.resizable)
  assert.is(copy.maxByteLength, 64)
})

shares('is refused by a receiver that forbids it, or that got other memory', () => {
  const { meta, buffers } = encode(sharedView())
  for (const limits of ['untrusted', { shared: false }] as const) {
    refused(() => decode({ meta, buffers }, { limits }), 'UNSUPPORTED', { limit: 'shared' })
  }
  refused(() => decode({ meta, buffers: buffers.map(buffer => new Uint8Array(buffer)) }), 'BUFFERS', {
    buffer: 0,
  })
})

shares.run()
