/** The link by itself, over sockets that only seem to be: what is written when, in how many pieces, and when it is out. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocketLink } from '../../src/carriers/websocket/link.js'
import type { WebSocketLike } from '../../src/carriers/websocket/shape.js'
import { turns, upTo, within } from '../carriers/inbox.js'
import { movedUp } from '../moved.js'
import { later } from './kit.js'

type Listener = (event: never) => void

/** The standard's interface, with nobody at the other end. */
class FakeSocket implements WebSocketLike {
  readyState = 0
  bufferedAmount = 0
  binaryType = 'blob'
  readonly sent: Uint8Array[] = []
  readonly closed: unknown[][] = []
  readonly #listeners = new Map<string, Set<Listener>>()

  send(bytes: Uint8Array): void {
    assert.is(this.readyState, 1)
    this.sent.push(bytes.slice())
    this.bufferedAmount += bytes.length
  }

  close(...args: unknown[]): void {
    this.closed.push(args)
    this.readyState = 2
  }

  addEventListener(name: string, listener: Listener): void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
  }

  removeEventListener(name: string, listener: Listener): void {
    this.#listeners.get(name)?.delete(listener)
  }

  emit(name: string, event: object = {}): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) listener(event as never)
  }

  become(state: number): void {
    this.readyState = state
    if (state === 1) this.emit('open')
    if (state === 3) this.emit('close', { code: 1000, reason: '' })
  }

  count(name: string): number {
    return this.#listeners.get(name)?.size ?? 0
  }
}

/** A socket with what `ws` has beyond the standard. */
class FakeWs extends FakeSocket {
  readonly fragments: [length: number, fin: boolean][] = []
  readonly calls: string[] = []
  override send(bytes: Uint8Array, options?: { fin: boolean }, done?: (error?: Error) => void): void {
    this.fragments.push([bytes.length, options!.fin])
    if (done !== undefined) setImmediate(done)
  }
  readonly pongs: string[] = []
  pongIsOut: () => void = () => {}
  on(name: string, listener: Listener): void {
    this.addEventListener(name, listener)
  }
  off(name: string, listener: Listener): void {
    this.removeEventListener(name, listener)
  }
  pong(payload: string, _isMasked: boolean, done: () => void): void {
    this.pongs.push(payload)
    this.pongIsOut = done
  }
  pause(): void {
    this.calls.push('pause')
  }
  resume(): void {
    this.calls.push('resume')
  }
  terminate(): void {
    this.calls.push('terminate')
  }
}

/** An inlet that writes down what it is told. */
function recorder() {
  const heard: unknown[] = []
  const inlet = {
    target: () => new Uint8Array(0),
    filled: (byteLength: number) => heard.push(['filled', byteLength]),
    push: (chunk: Uint8Array) => heard.push([...chunk]),
    boundary: () => heard.push('boundary'),
    underway: (byteLength: number) => heard.push(['underway', byteLength]),
    ended: () => heard.push('ended'),
    gone: (error?: Error) => heard.push(error === undefined ? 'gone' : `gone: ${error.message}`),
  }
  return { heard, inlet }
}

const chunk = (...bytes: number[]): Uint8Array => new Uint8Array(bytes)

const standard = suite('websocket link: the standard')

function opened(): { socket: FakeSocket; link: WebSocketLink; heard: unknown[] } {
  const socket = new FakeSocket()
  const link = new WebSocketLink(socket)
  const { heard, inlet } = recorder()
  link.open(inlet)
  return { socket, link, heard }
}

standard('what is written before it is open goes out in order when it is', async () => {
  const { socket, link } = opened()
  link.write([chunk(1), chunk(2, 3)])
  link.write([chunk(4)])
  assert.equal(socket.sent, [])
  socket.become(1)
  link.write([chunk(5)])
  assert.equal(socket.sent, [chunk(1, 2, 3), chunk(4), chunk(5)])
  await within(link.opened, 'open')
  assert.is(socket.binaryType, 'arraybuffer')
})

standard('to tell that a write is out costs the same however many wait', async () => {
  const { socket, link } = opened()
  socket.become(1)
  let out = 0
  for (const _ of upTo(1000)) link.write([chunk(1)], () => out++)
  socket.bufferedAmount = 0
  const moved = await movedUp(async () => socket.emit('message', { data: new ArrayBuffer(0) }))
  assert.is(out, 1000)
  assert.ok(moved < 1000, `${moved} moved`)
})

standard('a write is out when no more is buffered than was sent behind it', async () => {
  const { socket, link } = opened()
  socket.become(1)
  const out: string[] = []
  for (const name of ['a', 'b', 'c']) link.write([new Uint8Array(100)], isOut => out.push(`${name} ${isOut}`))
  assert.equal(out, [], 'never at once')
  await later(30)
  assert.equal(out, [])
  const steps: [buffered: number, out: string[]][] = [
    [201, []],
    [200, ['a true']],
    [99, ['a true', 'b true']],
    [0, ['a true', 'b true', 'c true']],
  ]
  for (const [buffered, wanted] of steps) {
    socket.bufferedAmount = buffered
    // It is asked whenever something comes, as well as by the clock.
    if (buffered === 99) socket.emit('message', { data: new ArrayBuffer(1) })
    else await later(140)
    assert.equal(out, wanted)
  }
})

for (const [name, end] of Object.entries<(socket: FakeSocket, link: WebSocketLink) => void>({
  closed: socket => socket.become(3),
  destroyed: (_, link) => link.destroy(),
})) {
  for (const state of [0, 1]) {
    standard(`what is not out when it is ${name} is lost, and all listeners go: state ${state}`, async () => {
      const { socket, link } = opened()
      if (state === 1) socket.become(1)
      const out: boolean[] = []
      link.write([chunk(1)], isOut => out.push(isOut))
      link.write([chunk(2)])
      end(socket, link)
      assert.equal(out, [false])
      socket.readyState = 3
      link.write([chunk(3)], isOut => out.push(isOut))
      assert.is(out.length, 1, 'never at once')
      await turns(1)
      assert.equal(out, [false, false])
      for (const event of ['open', 'message', 'close']) assert.is(socket.count(event), 0, event)
    })
  }
}

standard('finish before it is open: what was written goes out first', () => {
  const { socket, link } = opened()
  link.write([chunk(1)])
  link.finish()
  assert.equal([socket.sent, socket.closed], [[], []])
  socket.become(1)
  assert.equal([socket.sent, socket.closed], [[chunk(1)], [[1000]]])
})

standard('destroy closes with a code of its own', () => {
  const { socket, link } = opened()
  socket.become(1)
  link.destroy()
  assert.equal(socket.closed, [[4000]])
})

standard('a socket that is closed already is gone, not at once', async () => {
  for (const state of [2, 3]) {
    const socket = new FakeSocket()
    socket.readyState = state
    const { heard, inlet } = recorder()
    new WebSocketLink(socket).open(inlet)
    assert.equal(heard, [])
    await turns(1)
    assert.equal(heard, ['gone: websocket: the peer is gone: the socket was closed before'])
  }
})

/** What Node 22 does: an error, and no close. */
const refusals: [name: string, error: unknown, end: string][] = [
  ['an error', new Error('no answer'), 'it could not connect: no answer'],
  ['an error of which nothing is told', undefined, 'it could not connect'],
]
for (const [name, cause, end] of refusals) {
  standard(`${name} of a socket that still connects is its end`, async () => {
    const { socket, link, heard } = opened()
    socket.emit('error', { error: cause })
    const message = `websocket: the peer is gone: ${end}`
    assert.equal(heard, [`gone: ${message}`])
    const error = await within(
      link.opened.catch((error: Error) => error),
      'a refusal',
    )
    assert.equal([error?.message, error?.cause], [message, cause])
  })
}

/** What a message holds, and what the inlet hears. */
const forms: [name: string, data: unknown, heard: unknown[]][] = [
  ['an ArrayBuffer', chunk(1, 2).buffer, [[1, 2], 'boundary']],
  ['an array', chunk(1, 2, 3).subarray(1), [[2, 3], 'boundary']],
  ['fragments', [chunk(1), chunk(2)], [[1], [2], 'boundary']],
  ['no fragments', [], ['boundary']],
  ['text', 'a', ['gone: websocket: a message that is not binary']],
  ['a Blob', new Blob(['a']), ['gone: websocket: a message that is not binary']],
  ['nothing', undefined, ['gone: websocket: a message that is not binary']],
]
for (const [name, data, wanted] of forms) {
  standard(`a message that is ${name}`, () => {
    const { socket, heard } = opened()
    socket.become(1)
    socket.emit('message', { data })
    assert.equal(heard, wanted)
    socket.emit('close', { code: 1000, reason: '' })
    assert.is(heard.filter(item => String(item).startsWith('gone')).length, 1, 'gone once')
  })
}

standard.run()

const ws = suite('websocket link: ws')

/** Chunks of one byte, and how many fragments they become. */
const counts: [chunks: number, fragments: number][] = [
  [1, 1],
  [2, 2],
  [1024, 1024],
  [1025, 513],
  [70_000, 1015],
]
for (const [chunks, fragments] of counts) {
  ws(`${chunks} chunks are ${fragments} fragments, of which the last says so`, async () => {
    const socket = new FakeWs()
    const link = new WebSocketLink(socket)
    link.open(recorder().inlet)
    socket.become(1)
    const out = new Promise(resolve =>
      link.write(
        upTo(chunks).map(() => chunk(1)),
        resolve,
      ),
    )
    assert.is(socket.fragments.length, fragments)
    assert.is(
      socket.fragments.reduce((sum, [length]) => sum + length, 0),
      chunks,
    )
    assert.equal(
      socket.fragments.map(([, fin]) => fin),
      upTo(fragments).map(at => at === fragments - 1),
    )
    assert.is(await within(out, 'out'), true)
  })
}

ws('a pause before it is open is one when it is', () => {
  const socket = new FakeWs()
  const link = new WebSocketLink(socket)
  link.open(recorder().inlet)
  link.pause()
  socket.calls.length = 0
  socket.become(1)
  assert.equal(socket.calls, ['pause'])
  assert.is(socket.binaryType, 'fragments')
})

ws('one pong is on its way at a time, and of the pings that came meanwhile the last is answered', () => {
  const socket = new FakeWs()
  const link = new WebSocketLink(socket, { on() {}, off() {} })
  link.open(recorder().inlet)
  socket.become(1)
  const ping = (text: string) => socket.emit('ping', text as unknown as object)
  for (const text of ['a', 'b', 'c']) ping(text)
  assert.equal(socket.pongs, ['a'])
  socket.pongIsOut()
  assert.equal(socket.pongs, ['a', 'c'])
  socket.pongIsOut()
  ping('d')
  assert.equal(socket.pongs, ['a', 'c', 'd'])
  link.destroy()
  assert.is(socket.count('ping'), 0)
})

/** What `ws` finds wrong, what the inlet hears of it, and whether the peer is given time to hear of it as well. */
const errors: [code: string | undefined, heard: string[], isTold: boolean][] = [
  ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', ['gone: websocket: bad'], true],
  ['WS_ERR_INVALID_OPCODE', ['gone: websocket: bad'], true],
  ['ECONNREFUSED', [], false],
  [undefined, [], false],
]
for (const [code, wanted, isTold] of errors) {
  ws(`an error, ${code}: ${isTold ? 'the peer is told' : 'the close tells'}`, () => {
    const socket = new FakeWs()
    const link = new WebSocketLink(socket)
    const { heard, inlet } = recorder()
    link.open(inlet)
    socket.become(1)
    socket.emit('error', { error: Object.assign(new Error('bad'), { code }) })
    assert.equal(heard, wanted)
    link.destroy()
    assert.is(socket.calls.includes('terminate'), !isTold)
    assert.is(socket.count('error'), 1, 'an error that comes late is nobody’s')
  })
}

ws.run()
