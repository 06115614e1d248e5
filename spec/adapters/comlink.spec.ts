import { Worker } from 'node:worker_threads'
import * as Comlink from 'comlink'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { install } from '../../src/adapters/comlink.js'
import { isOutbandError } from '../../src/errors.js'
import { difference } from '../same.js'
import { type Methods, setUp, Temperature } from './comlink-api.js'
import { errorRows, rejection } from './errors.js'
import { Foreign, moreTypes, sample, types } from './kit.js'

type Call = (...args: unknown[]) => Promise<unknown>
/** The remote methods, without what Comlink's types say of them: they do not know that nested proxies work. */
type Remote = Record<string, Call> & {
  Counter: new () => Promise<{ add: Call; count: Promise<number> }>
  state: { values: Promise<Float64Array> }
}

setUp()
/** Comlink's adapter for Node comes without types. */
const path: string = 'comlink/dist/esm/node-adapter.mjs'
const nodeEndpoint: { default: (worker: Worker) => Comlink.Endpoint } = await import(path)

let uninstall: () => void
const worker = new Worker(new URL('./comlink-worker.js', import.meta.url))
const wrapped: unknown = Comlink.wrap<Methods>(nodeEndpoint.default(worker))
const remote = wrapped as Remote

const test = suite('adapters: comlink')
test.before(() => {
  uninstall = install(Comlink, { types })
})
test.after(async () => {
  await worker.terminate()
  uninstall()
})

test('arguments and results come back equal', async () => {
  assert.is(difference(sample(), await remote.echo(sample())), undefined)
})

test('nothing and primitives travel as they did', async () => {
  for (const value of [undefined, null, -0, 5n, 'text']) assert.ok(Object.is(await remote.echo(value), value))
})

test('properties are read and set', async () => {
  assert.is((await remote.state.values).length, 1024)
  ;(remote.state as { values: unknown }).values = new Float64Array(2048)
  assert.is((await remote.state.values).length, 2048)
})

test('by default nothing is detached', async () => {
  const values = new Float64Array(1024).fill(2)
  assert.is(await remote.sum(values), 2048)
  assert.is(values.byteLength, 8192)
  await remote.keep()
  assert.is(await remote.left(), 8192)
})

test('Comlink.transfer moves what it lists, of arguments and of results', async () => {
  const values = new Float64Array(1024).fill(2)
  const other = new Float64Array(1024)
  assert.is(await remote.sum(Comlink.transfer(values, [values.buffer]), other), 2048)
  assert.is(values.byteLength, 0)
  assert.is(other.byteLength, 8192)
  const nested = { deep: [new Float64Array(1024)] }
  await remote.echo(Comlink.transfer(nested, [nested.deep[0]!.buffer]))
  assert.is(nested.deep[0]!.byteLength, 0)
  assert.is(((await remote.give()) as { kept: Float64Array }).kept.length, 1024)
  assert.is(await remote.left(), 0)
})

test('when a later argument cannot travel, nothing has moved', async () => {
  const values = new Float64Array(1024)
  const call = remote.sum(Comlink.transfer(values, [values.buffer]), { done: () => {} })
  const error = await rejection(() => call)
  assert.ok(isOutbandError(error, 'UNSUPPORTED'))
  assert.match(error.path ?? '', /done$/)
  assert.is(values.byteLength, 8192)
})

test('only the window of a view travels, both ways', async () => {
  assert.is(await remote.room(Buffer.from('ten bytes!')), 10)
  assert.ok(((await remote.room(Buffer.alloc(20_000).subarray(1, 5001))) as number) <= 5008)
  assert.is(((await remote.pooled()) as Uint8Array).buffer.byteLength, 10)
  const pooled = Buffer.from('ten bytes!')
  assert.ok(((await remote.room(Comlink.transfer(pooled, [pooled.buffer as ArrayBuffer]))) as number) < 32)
  assert.is(String(pooled), 'ten bytes!')
})

test('a registered class arrives as itself', async () => {
  assert.is(await remote.classOf(sample().tensor), 'Tensor')
})

for (const [method, fact, check] of errorRows) {
  test(`${method}: ${fact}`, async () => check(await rejection(() => remote[method]?.())))
}

test('a function that is no proxy rejects the call', async () => {
  assert.ok(isOutbandError(await rejection(() => remote.echo(() => {})), 'UNSUPPORTED'))
  assert.ok(isOutbandError(await rejection(() => remote.echo(Symbol('s'))), 'UNSUPPORTED'))
})

test('a TypeError of the same words, thrown by the function, stays what it is', async () => {
  const { port1, port2 } = new MessageChannel()
  const fail = () => {
    throw new TypeError('Unserializable return value')
  }
  Comlink.expose(fail, port1 as unknown as Comlink.Endpoint)
  const call: unknown = Comlink.wrap(port2 as unknown as Comlink.Endpoint)
  assert.instance(await rejection(() => (call as Call)()), TypeError)
  port1.close()
})

test('each failed result is told its own reason', async () => {
  const { port1, port2 } = new MessageChannel()
  Comlink.expose((name: string) => ({ [name]: () => {} }), port1 as unknown as Comlink.Endpoint)
  const proxy: unknown = Comlink.wrap(port2 as unknown as Comlink.Endpoint)
  const call = proxy as Call
  const names = Array.from({ length: 50 }, (_, i) => `n${i}`)
  const calls = names.map(name => call(name))
  const mixed = names.map(name => rejection(() => call({ [name]: () => {} })))
  const errors = await Promise.all(calls.map(one => rejection(() => one)))
  assert.equal(
    errors.map(error => (error as { path?: string }).path),
    names.map(name => `value.${name}`),
  )
  assert.equal(
    (await Promise.all(mixed)).map(error => (error as { path?: string }).path),
    names.map(name => `value.${name}`),
  )
  port1.close()
})

test('an argument of a type that the other side does not know rejects the call', async () => {
  // Both sides are in this thread here, so the registry of the sender is had from elsewhere.
  const { port1, port2 } = new MessageChannel()
  uninstall()
  const undo = install(Comlink, { types: moreTypes })
  Comlink.expose({ touch: (value: object) => Object.keys(value) }, port1 as unknown as Comlink.Endpoint)
  const proxy: unknown = Comlink.wrap(port2 as unknown as Comlink.Endpoint)
  const call = (proxy as Remote).touch(new Foreign())
  undo()
  uninstall = install(Comlink, { types })
  const error = await rejection(() => call)
  assert.ok(isOutbandError(error, 'UNKNOWN_TYPE'), String(error))
  port1.close()
})

test('a proxied argument calls back, at the top and nested', async () => {
  const heard: number[] = []
  const progress = Comlink.proxy((done: Float64Array) => {
    heard.push(done[0]!)
    return new Float64Array(600).fill(done[0]! * 2)
  })
  const answers = (await remote.run({ steps: 3, on: { progress } })) as Float64Array[]
  assert.equal(heard, [1, 2, 3])
  assert.equal(
    answers.map(answer => answer[599]),
    [2, 4, 6],
  )
  assert.is(((await remote.direct(progress)) as Float64Array)[0], 2)
})

test('the same proxy twice in an argument is one', async () => {
  const progress = Comlink.proxy(() => 1)
  const on = { progress, again: progress }
  assert.equal(await remote.run({ steps: 1, on }), [1])
})

test('an error of a callback keeps its class on the way there and back', async () => {
  const progress = Comlink.proxy(() => {
    throw Object.assign(new RangeError('mine'), { code: 'EMINE' })
  })
  const error = await rejection(() => remote.run({ steps: 1, on: { progress } }))
  assert.instance(error, RangeError)
  assert.is((error as { code?: string }).code, 'EMINE')
})

test('proxies arrive inside a result', async () => {
  const { list } = (await remote.counters()) as { list: { add: Call }[] }
  assert.equal([await list[0]?.add(new Float64Array(600)), await list[1]?.add(new Float64Array(2))], [600, 2])
})

test('a class is constructed there', async () => {
  const counter = await new remote.Counter()
  assert.is(await counter.add(new Float64Array(600)), 600)
  assert.is(await counter.count, 600)
})

test('handlers of the user are asked at any depth', async () => {
  const { next } = (await remote.warmer({ now: new Temperature(20) })) as { next: Temperature[] }
  assert.instance(next[0], Temperature)
  assert.is(next[0]?.celsius, 21)
  assert.is(await remote.classOf(new Temperature(1)), 'Temperature')
})

test('a handler that names what moves is heeded at any depth', async () => {
  for (const wrap of [(pixels: object) => pixels, (pixels: object) => ({ frame: { pixels } })]) {
    const pixels = new Uint8ClampedArray(5000).fill(7)
    assert.is(difference(wrap(pixels.slice()), await remote.echo(wrap(pixels))), undefined)
    assert.is(pixels.byteLength, 0)
  }
})

test('a port moves, at the top and nested', async () => {
  for (const wrap of [
    (port: object) => Comlink.transfer(port, [port as never]),
    (port: object) => ({ port }),
  ]) {
    const { port1, port2 } = new MessageChannel()
    const back = (await remote.echo(wrap(port2))) as Record<string, InstanceType<typeof MessagePort>>
    const port = (back.port ?? back) as InstanceType<typeof MessagePort>
    port.postMessage('hi')
    const data = await new Promise(resolve =>
      port1.addEventListener('message', event => resolve((event as MessageEvent).data)),
    )
    assert.is(data, 'hi')
    port1.close()
  }
})

test('createEndpoint and releaseProxy work', async () => {
  const port = await (wrapped as Comlink.ProxyMethods)[Comlink.createEndpoint]()
  const second: unknown = Comlink.wrap(port as never)
  assert.is(await (second as Remote).sum(new Float64Array(600).fill(1)), 600)
  ;(second as Comlink.ProxyMethods)[Comlink.releaseProxy]()
  assert.throws(() => (second as Remote).sum(1), /released/)
})

test('1000 concurrent calls each get their own answer', async () => {
  const numbers = Array.from({ length: 1000 }, (_, i) => i)
  const sums = await Promise.all(numbers.map(i => remote.sum(new Float64Array(600).fill(i))))
  assert.equal(
    sums,
    numbers.map(i => i * 600),
  )
})

test('installed twice, or on something else, is a TypeError', () => {
  assert.throws(() => install(Comlink), TypeError)
  assert.throws(() => install({} as never), TypeError)
})

test('uninstalled, Comlink is as before', () => {
  uninstall()
  const before = [...Comlink.transferHandlers]
  install(Comlink)()
  assert.equal([...Comlink.transferHandlers], before)
  uninstall = install(Comlink, { types })
})

test.run()
