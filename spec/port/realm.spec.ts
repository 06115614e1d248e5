/** Wrapped ports where somebody else's class is the global MessagePort, as happy-dom makes it. */
import { once } from 'node:events'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Wrapped, wrapPort } from '../../src/port/index.js'

const before = globalThis.MessagePort
Reflect.set(globalThis, 'MessagePort', class MessagePort extends EventTarget {})

interface Pair {
  readonly near: MessagePort & Wrapped
  readonly far: MessagePort & Wrapped
}

function pair(): Pair {
  const { port1, port2 } = new MessageChannel()
  return { near: wrapPort(port1), far: wrapPort(port2) }
}

async function sent<T>({ near, far }: Pair, value: T): Promise<T> {
  const arrival = once(far, 'message')
  near.postMessage(value)
  return (await arrival)[0] as T
}

const test = suite('wrapPort: a global MessagePort of somebody else')

test('what begins with a hello arrives as it was', async () => {
  const { near, far } = pair()
  const bytes = await sent({ near, far }, Buffer.from('x'))
  assert.ok(Buffer.isBuffer(bytes))
  assert.is(await sent({ near: far, far: near }, 'an answer'), 'an answer')
  near.close()
})

test('a port in a value moves', async () => {
  const ports = pair()
  const { port1, port2 } = new MessageChannel()
  const { port } = await sent(ports, { port: port1 })
  const arrival = once(port, 'message')
  port2.postMessage('through it')
  assert.equal(await arrival, ['through it'])
  ports.near.close()
  port2.close()
})

test.after(() => {
  Reflect.set(globalThis, 'MessagePort', before)
})
test.run()
