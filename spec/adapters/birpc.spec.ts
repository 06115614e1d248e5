import { Worker } from 'node:worker_threads'
import { createBirpc, createBirpcGroup } from 'birpc'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { birpcPort, transfer } from '../../src/adapters/birpc.js'
import { isOutbandError } from '../../src/errors.js'
import { difference } from '../same.js'
import { errorRows, rejection } from './errors.js'
import { type Api, api, Foreign, moreTypes, sample, types } from './kit.js'
import type { Extra } from './rpc.js'

type Remote = Api & Extra
const script = new URL('./birpc-worker.js', import.meta.url)

function connect(
  options: Parameters<typeof birpcPort>[1] = { types },
  functions: Record<string, never> = {},
) {
  const worker = new Worker(script)
  const rpc = createBirpc<Remote>(functions, birpcPort(worker, options))
  return { worker, rpc }
}

const test = suite('adapters: birpc')
const { worker, rpc } = connect()
test.after(async () => {
  await worker.terminate()
})

test('arguments and results come back equal', async () => {
  assert.is(difference(sample(), await rpc.echo(sample())), undefined)
})

test('nothing and primitives are results', async () => {
  for (const value of [undefined, null, -0, 5n, '\ud800']) assert.ok(Object.is(await rpc.echo(value), value))
})

test('by default nothing is detached', async () => {
  const values = new Float64Array(1024).fill(2)
  assert.is(await rpc.sum(values), 2048)
  assert.is(values.byteLength, 8192)
  assert.is((await rpc.keep()).length, 1024)
  assert.is(await rpc.left(), 8192)
})

test('transfer() moves an argument, once', async () => {
  const values = new Float64Array(1024).fill(2)
  const other = new Float64Array(1024)
  assert.is(await (rpc.sum as (...all: unknown[]) => Promise<number>)(transfer(values), other), 2048)
  assert.is(values.byteLength, 0)
  assert.is(other.byteLength, 8192)
  assert.ok(isOutbandError(await rejection(() => rpc.sum(transfer(values))), 'DETACHED'))
})

test('transfer() moves what is listed of a result', async () => {
  assert.is((await rpc.give()).kept.length, 1024)
  assert.is(await rpc.left(), 0)
})

test('a result that the port refuses fails its call alone', async () => {
  const error = await rejection(rpc.closed)
  assert.ok(isOutbandError(error, 'UNSUPPORTED'), String(error))
  assert.is(await rpc.echo(1), 1)
})

test('with the option transfer everything whole moves', async () => {
  const other = connect({ types, transfer: true })
  const values = new Float64Array(1024)
  const part = new Float64Array(2048).subarray(1024)
  await other.rpc.echo([values, part])
  assert.is(values.byteLength, 0)
  assert.is(part.byteLength, 8192)
  await other.worker.terminate()
})

test('only the window of a view travels, both ways', async () => {
  assert.is(await rpc.room(Buffer.from('ten bytes!')), 10)
  assert.ok((await rpc.room(Buffer.alloc(20_000).subarray(1, 5001))) <= 5008)
  assert.is((await rpc.pooled()).buffer.byteLength, 10)
  const pooled = Buffer.from('ten bytes!')
  assert.ok((await rpc.room(transfer(pooled))) < 32)
  assert.is(String(pooled), 'ten bytes!')
})

test('a registered class arrives as itself', async () => {
  assert.is(await rpc.classOf(sample().tensor), 'Tensor')
})

for (const [method, fact, check] of errorRows) {
  test(`${method}: ${fact}`, async () =>
    check(await rejection(() => (rpc[method] as unknown as () => Promise<unknown>)())))
}

test('an argument that cannot travel rejects the call', async () => {
  const error = await rejection(() => rpc.echo({ done: () => {} }))
  assert.ok(isOutbandError(error, 'UNSUPPORTED'))
})

test('an argument of a type that the worker does not know rejects the call', async () => {
  const { port1, port2 } = new MessageChannel()
  const here = createBirpc<Remote>({}, birpcPort(port1, { types: moreTypes }))
  let calls = 0
  createBirpc({ echo: () => calls++ }, birpcPort(port2, { types }))
  const error = await rejection(() => here.echo(new Foreign()))
  assert.ok(isOutbandError(error, 'UNKNOWN_TYPE'), String(error))
  assert.is(calls, 0)
  port1.close()
})

test('a method that is not there is an error', async () => {
  const missing = rpc as unknown as { missing(): Promise<void> }
  assert.match(((await rejection(() => missing.missing())) as Error).message, /not found/)
})

for (const junk of [
  'junk',
  5,
  null,
  [],
  {},
  { type: 'log' },
  { t: 'q' },
  { t: 's', p: 5 },
  { t: 's', i: 'x' },
]) {
  test(`a message that is not birpc's is passed over: ${JSON.stringify(junk)}`, async () => {
    const { port1, port2 } = new MessageChannel()
    createBirpc(api, birpcPort(port2, { types }))
    const here = createBirpc<Api>({}, birpcPort(port1, { types }))
    port1.postMessage(junk)
    port2.postMessage(junk)
    assert.is(await here.sum(new Float64Array(2).fill(1)), 2)
    port1.close()
  })
}

test('a caller that nobody wrapped is answered by a rejection, as is one of a side that nobody wrapped', async () => {
  const bare = (port: InstanceType<typeof MessagePort>) => ({
    post: (message: unknown) => port.postMessage(message),
    on: (hear: (message: unknown) => void) =>
      port.addEventListener('message', event => hear((event as MessageEvent).data)),
  })
  for (const [one, other] of [
    [bare, birpcPort],
    [birpcPort, bare],
  ] as const) {
    const { port1, port2 } = new MessageChannel()
    createBirpc(api, other(port2))
    const here = createBirpc<Api>({}, one(port1))
    for (const port of [port1, port2]) port.start()
    for (const call of [() => here.classOf([]), () => here.quota()]) {
      assert.match(((await rejection(call)) as Error).message, /no packet; is the other side wrapped/)
    }
    port1.close()
  }
})

test('events and optional calls', async () => {
  const bytes = new Uint8Array(5000)
  await rpc.note.asEvent({ bytes })
  assert.is(difference([{ bytes }], await rpc.noted()), undefined)
  const absent = rpc as unknown as { $callOptional(method: string): Promise<unknown> }
  assert.is(await absent.$callOptional('absent'), undefined)
})

test('calls go both ways through one port', async () => {
  const { port1, port2 } = new MessageChannel()
  const left = createBirpc<Api>(
    { half: (values: Float64Array) => values.length / 2 },
    birpcPort(port1, { types }),
  )
  const right = createBirpc<{ half(values: Float64Array): number }>(api, birpcPort(port2, { types }))
  assert.equal(
    await Promise.all([left.room(new Uint8Array(5000)), right.half(new Float64Array(8))]),
    [5000, 4],
  )
  port1.close()
})

test('1000 concurrent calls each get their own answer', async () => {
  const numbers = Array.from({ length: 1000 }, (_, i) => i)
  const sums = await Promise.all(numbers.map(i => rpc.sum(new Float64Array(600).fill(i))))
  assert.equal(
    sums,
    numbers.map(i => i * 600),
  )
})

test('a call that takes too long is given up', async () => {
  const hasty = new Worker(script)
  const impatient = createBirpc<Remote>({}, { ...birpcPort(hasty, { types }), timeout: 20 })
  assert.match(((await rejection(() => impatient.hang())) as Error).message, /timeout/)
  await hasty.terminate()
})

test('$close rejects what waits, and stops listening', async () => {
  const { port1, port2 } = new MessageChannel()
  const here = createBirpc<Remote>({}, birpcPort(port1, { types }))
  const waits = here.hang()
  await new Promise(resolve => setTimeout(resolve))
  here.$close()
  assert.match(((await rejection(() => waits)) as Error).message, /closed/)
  port2.close()
})

test('of channels that were closed the worker keeps no listener, and one that listens again hears of its end', async () => {
  const mortal = new Worker(script)
  const counts = () => mortal.eventNames().map(name => mortal.listenerCount(name))
  const before = counts()
  for (let i = 0; i < 20; i++) createBirpc({}, birpcPort(mortal)).$close()
  const channel = birpcPort(mortal, { types })
  for (let i = 0; i < 2; i++) createBirpc<Remote>({}, channel).$close()
  assert.equal(counts(), before)
  const again = createBirpc<Remote>({}, channel)
  assert.ok(isOutbandError(await rejection(() => again.die()), 'PEER_GONE'))
})

test('calls of a thread that dies, and those after, are PEER_GONE, which says why', async () => {
  const mortal = connect()
  const waits = mortal.rpc.hang()
  const dies = mortal.rpc.die()
  for (const call of [() => waits, () => dies, () => mortal.rpc.echo(1)]) {
    const error = await rejection(call)
    assert.ok(isOutbandError(error, 'PEER_GONE'))
    assert.match(error.message, /exit code 3$/)
  }
})

test('a group has a channel per port', async () => {
  const ends = [new MessageChannel(), new MessageChannel()]
  for (const { port2 } of ends) createBirpc(api, birpcPort(port2, { types }))
  const group = createBirpcGroup<Api>(
    {},
    ends.map(({ port1 }) => birpcPort(port1, { types })),
  )
  assert.equal(await group.broadcast.room(new Uint8Array(5000)), [5000, 5000])
  for (const { port1 } of ends) port1.close()
})

test.run()
