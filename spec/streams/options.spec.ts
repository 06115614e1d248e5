/** Options of both streams, and their types. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { defineType, isOutbandError, registry } from '../../src/index.js'
import {
  PacketDecoderStream,
  type PacketEncoderOptions,
  PacketEncoderStream,
} from '../../src/streams/index.js'
import { everyByte, whole } from '../frames.js'
import { difference } from '../same.js'
import { all, arrival, bytesOf, KiB } from './kit.js'

const options = suite('streams: options')

class Tensor {
  constructor(readonly numbers: Float32Array) {}
}
const types = registry(
  defineType({
    class: Tensor,
    tag: 'tensor',
    reduce: ({ numbers }) => numbers,
    rebuild: numbers => new Tensor(numbers),
  }),
)

options('custom types, on both sides', async () => {
  const sent = [new Tensor(new Float32Array(50_000).fill(2)), new Tensor(new Float32Array(2))]
  const bytes = await bytesOf(sent, { types })
  const { items, error } = await arrival(bytes, whole, { types })
  assert.is(difference([sent, undefined], [items, error]), undefined)
  const without = await arrival(bytes, whole)
  assert.ok(isOutbandError(without.error, 'UNKNOWN_TYPE'), String(without.error))
})

options('who is not told to trust a stream does not, and single limits go over that', async () => {
  const bytes = await bytesOf([new RangeError('a')])
  assert.ok(isOutbandError((await arrival(bytes, everyByte)).error, 'UNSUPPORTED'))
  assert.is((await arrival(bytes, everyByte, { limits: 'trusted' })).items.length, 1)
  assert.is((await arrival(bytes, everyByte, { limits: { errors: true } })).items.length, 1)
  const regexp = await bytesOf([/a/])
  const { error } = await arrival(regexp, everyByte, {
    limits: { errors: true, depth: undefined } as never,
  })
  assert.ok(isOutbandError(error, 'UNSUPPORTED'), String(error))
})

options('checksums that are demanded and missing', async () => {
  const { error } = await arrival(await bytesOf([1]), whole, { checksum: true })
  assert.ok(isOutbandError(error, 'CHECKSUM'), String(error))
})

options('a mistake is a TypeError at once', () => {
  const mistakes: (() => unknown)[] = [
    () => new PacketEncoderStream({ checksum: 1 as never }),
    () => new PacketEncoderStream({ copy: 'yes' as never }),
    () => new PacketEncoderStream({ highWaterMark: -1 }),
    () => new PacketEncoderStream({ highWaterMark: Number.NaN }),
    () => new PacketEncoderStream({ threshold: 'all' as never }),
    () => new PacketDecoderStream({ checksum: 1 as never }),
    () => new PacketDecoderStream({ limits: 'none' as never }),
    () => new PacketDecoderStream({ types: [] as never }),
  ]
  for (const mistake of mistakes) assert.throws(mistake, (error: unknown) => error instanceof TypeError)
})

options('limits that are raised hold for frames too, on both sides', async () => {
  const limits = { buffers: 70_000, items: 200_000 }
  const sent = Array.from({ length: 66_000 }, () => new Uint8Array(1))
  const bytes = await bytesOf([sent], { threshold: 0, limits })
  const { items, error } = await arrival(bytes, () => 100 * KiB, { limits })
  assert.is(error, undefined)
  assert.is((items[0] as unknown[]).length, 66_000)
})

options('an option of a codec that would share memory changes nothing', async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(200 * KiB)).fill(5)
  const bytes = await bytesOf([shared], { shared: 'share' } as PacketEncoderOptions)
  const [copy] = (await arrival(bytes, whole)).items as [Uint8Array]
  assert.instance(copy.buffer, ArrayBuffer)
  assert.is(difference(shared.slice(), copy), undefined)
})

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** Compiles only for `true`. */
const holds = <_ extends true>(): void => {}

options('types: what comes out is what was said, and each end says what it takes', async () => {
  interface Order {
    readonly id: number
  }
  const orders = ReadableStream.from<Order>([{ id: 1 }])
  const bytes = orders.pipeThrough(new PacketEncoderStream<Order>())
  holds<Equal<typeof bytes, ReadableStream<Uint8Array<ArrayBuffer>>>>()
  const again = bytes.pipeThrough(new PacketDecoderStream<Order>())
  holds<Equal<typeof again, ReadableStream<Order>>>()
  const unknown = new PacketDecoderStream().readable
  holds<Equal<typeof unknown, ReadableStream<unknown>>>()
  // @ts-expect-error a stream of strings is none of orders
  const wrong: ReadableStream<string> = again
  const encoder = new PacketEncoderStream<Order>()
  // @ts-expect-error and no string goes in
  const write = () => encoder.writable.getWriter().write('id')
  assert.type(write, 'function')
  assert.equal(await all(wrong), [{ id: 1 }])
})

options.run()
