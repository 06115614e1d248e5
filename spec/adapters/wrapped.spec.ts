/** A wrapped port is an endpoint for libraries that know nothing of it. */
import { Worker } from 'node:worker_threads'
import { createBirpc } from 'birpc'
import * as Comlink from 'comlink'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isOutbandError } from '../../src/errors.js'
import { wrapPort } from '../../src/port/index.js'
import { difference } from '../same.js'
import { type Methods, methods, setUp, Temperature } from './comlink-api.js'
import { rejection } from './errors.js'
import { QuotaError, sample, types } from './kit.js'
import type { Extra } from './rpc.js'

type Call = (...args: unknown[]) => Promise<unknown>
type Remote = Record<string, Call> & { Counter: new () => Promise<{ add: Call }> }

const script = (name: string): URL => new URL(`./${name}-worker.js`, import.meta.url)
const wrap = (endpoint: Comlink.Endpoint): Remote => {
  const remote: unknown = Comlink.wrap<Methods>(endpoint)
  return remote as Remote
}

setUp()

/** Both ends of a channel in this thread, both wrapped or only one. */
function ends(isPeerWrapped: boolean) {
  const { port1, port2 } = new MessageChannel()
  Comlink.expose(methods, (isPeerWrapped ? wrapPort(port2, { types }) : port2) as unknown as Comlink.Endpoint)
  return { remote: wrap(wrapPort(port1, { types })), close: () => port1.close() }
}

const places: readonly (readonly [name: string, open: () => { remote: Remote; close: () => unknown }])[] = [
  [
    'a Worker',
    () => {
      const worker = new Worker(script('comlink'), { argv: ['wrapped'] })
      return { remote: wrap(wrapPort(worker, { types })), close: () => worker.terminate() }
    },
  ],
  ['a MessageChannel', () => ends(true)],
]

for (const [name, open] of places) {
  const test = suite(`adapters: comlink over a wrapped port, ${name}`)
  const { remote, close } = open()
  test.after(async () => {
    await close()
  })

  test('the first call already comes back', async () => {
    assert.is(await remote.sum(new Float64Array(600).fill(1)), 600)
  })

  test('arguments and results come back equal', async () => {
    assert.is(difference(sample(), await remote.echo(sample())), undefined)
  })

  test('nothing is detached but what Comlink.transfer lists', async () => {
    const values = new Float64Array(1024).fill(2)
    assert.is(await remote.sum(values), 2048)
    assert.is(values.byteLength, 8192)
    assert.is(await remote.sum(Comlink.transfer(values, [values.buffer])), 2048)
    assert.is(values.byteLength, 0)
  })

  test('only the window of a view travels, both ways', async () => {
    assert.is(await remote.room(Buffer.from('ten bytes!')), 10)
    assert.is(((await remote.pooled()) as Uint8Array).buffer.byteLength, 10)
  })

  test('Comlink.proxy and handlers work as before', async () => {
    const progress = Comlink.proxy((done: Float64Array) => done.length)
    assert.is(await remote.direct(progress), 600)
    assert.is(await remote.classOf(new Temperature(3)), 'Temperature')
  })

  test('an error is what Comlink makes of it', async () => {
    const error = (await rejection(() => remote.quota())) as Error
    assert.equal([error.name, error.message], ['QuotaError', 'no room'])
  })

  test('an argument that cannot travel rejects the call', async () => {
    assert.ok(isOutbandError(await rejection(() => remote.echo({ done: () => {} })), 'UNSUPPORTED'))
    assert.is(await remote.sum(new Float64Array(600).fill(1)), 600)
  })

  test('a port moves, and a second endpoint is made', async () => {
    const { port1, port2 } = new MessageChannel()
    const list = [port2] as unknown as Parameters<typeof Comlink.transfer>[1]
    await remote.echo(Comlink.transfer({ port2 }, list)).catch(() => {})
    const proxy: unknown = remote
    const port = await (proxy as Comlink.ProxyMethods)[Comlink.createEndpoint]()
    assert.is(await wrap(port as unknown as Comlink.Endpoint).sum(new Float64Array(2).fill(1)), 2)
    port1.close()
    ;(port as { close(): void }).close()
  })

  test('1000 concurrent calls each get their own answer', async () => {
    const numbers = Array.from({ length: 1000 }, (_, i) => i)
    const sums = await Promise.all(numbers.map(i => remote.sum(new Float64Array(600).fill(i))))
    assert.equal(
      sums,
      numbers.map(i => i * 600),
    )
  })

  test.run()
}

const mixed = suite('adapters: comlink, one side wrapped')

mixed('a peer that is not wrapped understands plain values', async () => {
  const { remote, close } = ends(false)
  for (let i = 0; i < 3; i++) assert.is(await remote.sum(new Float64Array(600).fill(i)), 600 * i)
  assert.is(await remote.room(Buffer.from('ten bytes!')), 10)
  assert.is(await remote.direct(Comlink.proxy((done: Float64Array) => done.length)), 600)
  close()
})

mixed('releaseProxy closes a wrapped port', async () => {
  const { port1, port2 } = new MessageChannel()
  Comlink.expose(methods, wrapPort(port2) as unknown as Comlink.Endpoint)
  const remote: unknown = wrap(wrapPort(port1))
  const closed = new Promise(resolve => port2.addEventListener('close', resolve))
  assert.is(await (remote as Remote).sum(new Float64Array(2).fill(1)), 2)
  ;(remote as Comlink.ProxyMethods)[Comlink.releaseProxy]()
  await closed
})

mixed.run()

const rpcs = suite('adapters: birpc over a wrapped port')
const worker = new Worker(script('birpc'), { argv: ['wrapped'] })
const port = wrapPort(worker, { types })
const rpc = createBirpc<Methods & Extra>(
  {},
  { post: message => port.postMessage(message), on: hear => port.on('message', hear) },
)
rpcs.after(async () => {
  await worker.terminate()
})

rpcs('arguments and results come back equal, errors with their class', async () => {
  assert.is(difference(sample(), await rpc.echo(sample())), undefined)
  const error = await rejection(() => rpc.quota())
  assert.instance(error, QuotaError)
  assert.is((error as QuotaError).code, 'QUOTA')
})

rpcs('nothing is detached, and only the window travels', async () => {
  const values = new Float64Array(1024).fill(2)
  assert.is(await rpc.sum(values), 2048)
  assert.is(values.byteLength, 8192)
  assert.is(await rpc.room(Buffer.from('ten bytes!')), 10)
})

rpcs.run()
