/** What all adapters share: what is made ready for a post that cannot be tried again. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Message, Seals, transfer } from '../../src/adapters/sealed.js'
import type { Transfer } from '../../src/carriers/carrier.js'
import { isOutbandError, OutbandError } from '../../src/errors.js'
import { difference } from '../same.js'
import { thrown } from '../thrown.js'
import { rejection } from './errors.js'
import { oddError, sample, types } from './kit.js'

const post = (message: Message, list: object[]): Message =>
  structuredClone(message, { transfer: list as ArrayBuffer[] })

/** What no engine moves. The types of Node 20 do not know it. */
function wasmMemory(): ArrayBuffer {
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: { Memory: new (size: { initial: number }) => { buffer: ArrayBuffer } }
  }
  return new WebAssembly.Memory({ initial: 1 }).buffer
}

const ways = ['seal', 'sealNow'] as const
for (const way of ways) {
  const test = suite(`adapters: sealed, ${way}`)

  test('a value is opened equal', () => {
    const seals = new Seals({ types })
    for (const wish of [false, true]) {
      const { message, list } = seals[way](sample(), wish)
      assert.is(difference(sample(), seals.open(post(message, list))), undefined)
    }
  })

  test('memory that cannot move is copied, its window only, and stays', () => {
    const seals = new Seals({})
    const wasm = new Uint8Array(wasmMemory()).fill(5)
    const pooled = Buffer.from('ten bytes!')
    const other = new Uint8Array(5000)
    const { message, list } = seals[way]({ wasm, pooled, other }, [wasm, pooled, other])
    const opened = seals.open(post(message, list)) as { wasm: Uint8Array; pooled: Uint8Array }
    assert.equal([opened.wasm.byteLength, opened.wasm[9], String(opened.pooled)], [65_536, 5, 'ten bytes!'])
    assert.equal([wasm.byteLength, String(pooled)], [65_536, 'ten bytes!'])
    assert.ok(opened.pooled.buffer.byteLength < 32)
  })

  test('strict refuses it, and nothing moves', async () => {
    const seals = new Seals({ strict: true })
    const wasm = new Uint8Array(wasmMemory())
    const part = new Float64Array(2048).subarray(1024)
    const whole = new Float64Array(1024)
    for (const held of [wasm, part]) {
      const error = await rejection(() => seals[way]([whole, held], true))
      assert.ok(isOutbandError(error, 'NOT_TRANSFERABLE'))
      assert.is(whole.byteLength, 8192)
    }
  })

  test('memory that moves arrives whole, without a copy of more', () => {
    const seals = new Seals({ transfer: true })
    const whole = new Float64Array(1024)
    const { message, list } = seals[way](whole)
    assert.is(whole.byteLength, way === 'seal' ? 8192 : 0)
    const opened = seals.open(post(message, list)) as Float64Array
    assert.equal([whole.byteLength, opened.byteLength, opened.buffer.byteLength], [0, 8192, 8192])
  })

  test.run()
}

const test = suite('adapters: sealed')

test('ports go along, and have left at once when they must', async () => {
  const seals = new Seals({})
  const { port1, port2 } = new MessageChannel()
  const { message, list } = seals.sealNow({ deep: [port2] })
  assert.not.ok(list.includes(port2))
  const { deep } = seals.open(post(message, list)) as { deep: [InstanceType<typeof MessagePort>] }
  deep[0].postMessage('hi')
  const data = await new Promise(resolve =>
    port1.addEventListener('message', event => resolve((event as MessageEvent).data)),
  )
  assert.is(data, 'hi')
  port1.close()
})

test('a stream that is locked is refused with its path', () => {
  const locked = new ReadableStream({})
  locked.getReader()
  for (const way of ['seal', 'sealNow'] as const) {
    const error = thrown(() => new Seals({})[way]({ q: { locked } }))
    assert.ok(isOutbandError(error, 'UNSUPPORTED'))
    assert.is(error.path, 'value.q.locked')
  }
})

test('transfer() is heeded once, at any depth and size, and added to what is usual', () => {
  const seals = new Seals({})
  const [a, b, plain] = [new Uint8Array(1), new Float64Array(2048), new Uint8Array(5000)]
  const moving = (value: unknown, usual?: Transfer): object[] => {
    const { list } = seals.seal(value, usual)
    return [a.buffer, b.buffer, plain.buffer].filter(memory => list.includes(memory))
  }
  assert.equal(moving({ a: transfer(a), deep: [transfer({ b }, [b])], plain }), [a.buffer, b.buffer])
  assert.equal(moving({ a, b }), [])
  assert.equal(moving([transfer(a), b], [b]), [a.buffer, b.buffer])
  assert.equal(moving(a, [b]), [b.buffer])
  // What another call has meanwhile stays.
  transfer(a)
  assert.equal(moving(plain), [])
  assert.equal(moving([a, plain], true), [a.buffer, plain.buffer])
  assert.equal(moving(a), [])
})

test('transfer() takes nothing that does not move', () => {
  const { port1 } = new MessageChannel()
  assert.is(transfer(port1), port1)
  port1.close()
  for (const wrong of [{ frame: new Uint8Array(8) }, [], new Date(0), null, 5] as object[]) {
    const wanted = /^transfer: wanted an ArrayBuffer, view or port, or a list of them$/
    assert.throws(() => transfer(wrong), wanted)
    assert.throws(() => transfer({}, [wrong]), wanted)
  }
  assert.throws(() => transfer({}, 5 as never), TypeError)
})

test('what no one sealed is MALFORMED', async () => {
  const seals = new Seals({})
  for (const message of [undefined, null, 5, {}, [], ['outband value', 5, [], []], ['other', '', [], []]]) {
    assert.ok(isOutbandError(await rejection(() => seals.open(message)), 'MALFORMED'))
  }
})

test('no field of an error changes its class', () => {
  const seals = new Seals({})
  for (const enumerable of [true, false]) {
    const error = new OutbandError('LIMIT', 'x')
    Object.defineProperty(error, '__proto__', { value: { evil: 1 }, enumerable })
    const { message, list } = seals.sealThrown(error)
    const opened = thrown(() => seals.open(post(message, list))) as OutbandError & { evil?: unknown }
    assert.instance(opened, OutbandError)
    assert.is(opened.evil, undefined)
  }
})

test('strict leaves no field of an error out', async () => {
  for (const [strict, wanted] of [
    [false, RangeError],
    [true, OutbandError],
  ] as const) {
    const seals = new Seals({ strict })
    const { message, list } = seals.sealThrown(oddError())
    assert.is((await rejection(() => seals.open(post(message, list))))?.constructor, wanted)
  }
})

test('options of the wrong type are TypeErrors', () => {
  for (const transfer of [7, null, 'ab', {}, [5]] as never[]) {
    assert.throws(() => new Seals({ transfer }), TypeError)
    assert.throws(() => new Seals({}).seal({}, transfer), /transfer: wanted/)
  }
  assert.throws(() => new Seals({ threshold: -1 }), TypeError)
  assert.throws(() => new Seals({ types: {} as never }), TypeError)
})

test.run()
