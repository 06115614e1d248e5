/** Wrapped ports over every transport of a browser. */
import * as assert from 'uvu/assert'
import { type ValueRow, values } from '../../../fixtures/values.js'
import { isOutbandError } from '../../../src/index.js'
import { type PortLike, wrapPort } from '../../../src/port/index.js'
import { canEval } from '../../eval.js'
import { difference } from '../../same.js'
import { skip, suite } from './checks.js'
import { type AnyPort, canShare, dom } from './dom.js'
import { declareHosts } from './hosts.js'
import { CANNOT_MOVE, type Line, lineOf, window } from './line.js'
import { type Transport, transports, worklet } from './links.js'
import { NoBuffer } from './missing.js'
import type { Look, Question } from './peer.js'
import { expected, NOT_ISOLATED } from './rows.js'
import { declarePlain } from './strangers.js'
import { Tensor, types } from './types.js'

const UNSHAREABLE = 'a peer of another origin is another process: memory cannot be shared with it'
const onlyIsolated = (): void => {
  if (!canShare) skip(NOT_ISOLATED)
}

const SMALLEST = `the number ${Number.MIN_VALUE}`

/** Rows of the table in one message. */
const TOGETHER = 30

function isMade(row: ValueRow): boolean {
  try {
    row.make()
    return true
  } catch (error) {
    if (error instanceof NoBuffer || !canEval()) return false
    throw error
  }
}

/** A typed error, or an answer that says that the peer had one: anything but silence. */
async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    return `no error: ${JSON.stringify(await promise)}`
  } catch (error) {
    if (isOutbandError(error)) return error.code
    throw error
  }
}

function rich(): Record<string, unknown> {
  const memory = Float64Array.from({ length: 5000 }, (_, i) => i / 7)
  const value: Record<string, unknown> = {
    numbers: [0, -0, Number.NaN, 2 ** 53, 10n ** 40n],
    holes: [1, , 'a'],
    text: 'lone \ud800, wide 語, narrow é',
    map: new Map<unknown, unknown>([[{ key: 1 }, new Set([new Date(5), /a/gi])]]),
    error: new RangeError('wrong', { cause: { code: 1 } }),
    windows: [memory.subarray(0, 2000), memory.subarray(1000, 3000)],
    boxed: Object('boxed'),
    undefined: undefined,
  }
  value.self = value
  return value
}

function declare(transport: Transport): void {
  const { isBroadcast, isNear, isBare = false, open } = transport
  const check = suite(`wrapPort, ${transport.name}`)
  let shared: Promise<Line> | undefined
  /** One line for all checks that leave it as it was. */
  const line = (): Promise<Line> => (shared ??= open('wrapped').then(link => lineOf(link)))
  const onlyMoving = (): void => {
    if (isBroadcast) skip(CANNOT_MOVE)
  }
  const onlyNear = (): void => {
    if (!isNear) skip(UNSHAREABLE)
  }

  check('a value of everything is echoed as it was', async () => {
    const { ask } = await line()
    for (let round = 0; round < 3; round++) {
      const sent = rich()
      assert.is(difference(sent, await ask('echo', sent)), undefined)
    }
  })

  check('each value of the table is echoed as it was', async () => {
    const { ask } = await line()
    const wrong: string[] = []
    const isKept = ({ name, isShared, isDeep }: ValueRow) =>
      !isShared && !isDeep && !(isBare && name === SMALLEST)
    const rows = values.filter(row => isKept(row) && isMade(row))
    for (let i = 0; i < rows.length; i += TOGETHER) {
      const some = rows.slice(i, i + TOGETHER)
      // Each under a key of its own, which the path of a difference begins with.
      const sent = Object.fromEntries(some.map(row => [row.name, row.make()]))
      const wanted = Object.fromEntries(some.map(row => [row.name, expected(row, sent[row.name])]))
      const found = difference(wanted, await ask('echo', sent))
      if (found !== undefined) wrong.push(found)
    }
    assert.equal(wrong, [])
  })

  check('copy: the sender keeps its memory', async () => {
    const { ask, wrapped } = await line()
    const before = wrapped.counts.copied
    const sent = new Float32Array(50_000).fill(1.5)
    assert.is(difference(sent, await ask('echo', sent)), undefined)
    assert.is(sent.byteLength, 200_000)
    assert.is(wrapped.counts.copied - before, 200_000)
  })

  for (const byteLength of [10, 10_000]) {
    check(`a window of ${byteLength} bytes arrives without what lies around it`, async () => {
      const { ask } = await line()
      const look = (await ask('look', window(byteLength))) as Look
      assert.is(look.bytes.length, byteLength)
      assert.ok(look.bytes.every(byte => byte === 7))
      // Bytes in front of it keep the alignment, and are not the sender's.
      assert.ok(look.bufferBytes < byteLength + 8, `${look.bufferBytes} bytes`)
    })
  }

  check('transfer: true moves what covers its memory, and copies the rest', async () => {
    const { ask, wrapped } = await line()
    const { copied, transferred } = wrapped.counts
    const whole = new Float64Array(10_000).fill(3)
    const part = window(10_000)
    const echo = await ask('echo', { whole, part }, { transfer: true })
    assert.is(difference({ whole: new Float64Array(10_000).fill(3), part }, echo), undefined)
    assert.is(part.byteLength, 10_000)
    assert.is(whole.byteLength, isBroadcast ? 80_000 : 0)
    assert.is(wrapped.counts.transferred - transferred, isBroadcast ? 0 : 80_000)
    assert.is(wrapped.counts.copied - copied, isBroadcast ? 90_000 : 10_000)
  })

  check('a transfer list moves what it names alone', async () => {
    onlyMoving()
    const { ask } = await line()
    const [named, other] = [new Uint8Array(20_000).fill(1), new Uint8Array(20_000).fill(2)]
    const echo = await ask('echo', [named, other], [named.buffer])
    const wanted = [new Uint8Array(20_000).fill(1), new Uint8Array(20_000).fill(2)]
    assert.is(difference(wanted, echo), undefined)
    assert.is(named.byteLength, 0)
    assert.is(other.byteLength, 20_000)
  })

  check('memory stays where a port moves with it that has moved already', async () => {
    onlyMoving()
    // Elsewhere the memory is gone, or the engine does not say which it was.
    if (!/Chrome/.test(dom.navigator.userAgent)) skip('only Chromium tells')
    const { ask } = await line()
    const { port1: gone, port2: live } = new MessageChannel()
    structuredClone(0, { transfer: [gone] })
    const memory = new ArrayBuffer(20_000)
    const posts: [post: () => Promise<unknown>, path: string][] = [
      [() => ask('echo', 1, [memory, live, gone]), 'transfer[2]'],
      [() => ask('echo', 1, [gone, memory]), 'transfer[0]'],
      [() => ask('echo', { memory, list: [gone] }, { transfer: true }), 'value.value.list[0]'],
    ]
    for (const [post, path] of posts) {
      const error = await post().catch((error: unknown) => error)
      if (!isOutbandError(error, 'UNSUPPORTED')) throw error
      assert.is(error.path, path)
      assert.is(memory.byteLength, 20_000)
    }
    // A port that has not moved was not moved to be asked.
    const echo = (await ask('echo', { memory, list: [live] }, { transfer: true })) as { list: object[] }
    assert.is(memory.byteLength, 0)
    assert.is(echo.list.length, 1)
  })

  check('what has moved is DETACHED, in the value and in a list; the port goes on', async () => {
    onlyMoving()
    const { ask, wrapped } = await line()
    const sent = new Uint8Array(20_000)
    await ask('echo', sent, { transfer: true })
    assert.is(await codeOf(ask('echo', sent)), 'DETACHED')
    assert.is(await codeOf(ask('echo', 1, [sent.buffer])), 'DETACHED')
    assert.is(wrapped.bufferedAmount >= 0, true)
    await new Promise(resolve => setTimeout(resolve, 0))
    assert.is(await ask('echo', 'still there'), 'still there')
  })

  check('memory comes back by moving both ways', async () => {
    onlyMoving()
    const { ask } = await line()
    let samples = new Float32Array(100_000).map((_, i) => i)
    for (let round = 0; round < 5; round++) {
      const back = (await ask('move', samples, { transfer: true })) as Float32Array<ArrayBuffer>
      assert.is(samples.byteLength, 0)
      samples = back
    }
    assert.is(samples[99_999], 99_999)
  })

  check('shared memory is shared: a write over there is seen here', async () => {
    onlyIsolated()
    onlyNear()
    const { ask } = await line()
    const memory = new Uint8Array(new SharedArrayBuffer(16), 4, 8)
    if (isBroadcast) {
      // Chromium would deliver null to everybody.
      assert.is(await codeOf(ask('write', memory)), 'UNSUPPORTED')
      assert.is(await ask('echo', 'next'), 'next')
      return
    }
    const look = (await ask('write', memory)) as Look
    assert.ok(look.isShared)
    assert.is(look.bytes.length, 8)
    assert.is(memory[0], 42)
  })

  check('shared memory that cannot be shared is an error on one side, not silence', async () => {
    if (canShare && isNear) skip('it can be shared here')
    const { ask } = await line()
    const memory = new SharedArrayBuffer(16)
    let ending: string
    try {
      ending = JSON.stringify(await ask('look', new Uint8Array(memory, 0, 8)))
    } catch (error) {
      ending = isOutbandError(error) ? error.code : String(error)
    }
    // A page that does not know the class copies a view on it.
    const copied = '{"bytes":[0,0,0,0,0,0,0,0],"bufferBytes":8,"isShared":false}'
    const wanted = [copied, 'UNSUPPORTED']
    assert.ok(wanted.includes(ending) || /^Error: the peer failed: /.test(ending), ending)
    if (!canShare) assert.is(await codeOf(ask('echo', memory)), 'UNSUPPORTED')
  })

  check('a custom type arrives as one, the first message too', async () => {
    const sent = () => new Tensor([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))
    const fresh = lineOf(await open('wrapped'))
    for (const { ask } of [fresh, await line()]) {
      const echo = (await ask('echo', { deep: [sent()] })) as { deep: Tensor[] }
      assert.is(difference({ deep: [sent()] }, echo), undefined)
      assert.ok(echo.deep[0] instanceof Tensor)
    }
    fresh.link.drop()
  })

  check('a function is UNSUPPORTED, with the place', async () => {
    const { wrapped, ask } = await line()
    try {
      wrapped.postMessage({ rows: [{ f: () => {} }] })
      assert.unreachable('nothing was thrown')
    } catch (error) {
      assert.ok(isOutbandError(error, 'UNSUPPORTED'), String(error))
      assert.is(error.path, 'value.rows[0].f')
    }
    assert.is(await ask('echo', 1), 1)
  })

  check('many messages arrive in order', async () => {
    const { wrapped } = await line()
    const got: unknown[] = []
    const all = new Promise<void>(resolve => {
      const listener = ({ data }: { data: unknown }) => {
        got.push(data)
        if (got.length < 500) return
        wrapped.removeEventListener('message', listener)
        resolve()
      }
      wrapped.addEventListener('message', listener)
    })
    const messages = Array.from({ length: 500 }, (_, i) => (i % 10 ? { i } : new Uint32Array(3000).fill(i)))
    for (const value of messages) wrapped.postMessage({ ask: 'echo', value } satisfies Question)
    await all
    assert.is(difference(messages, got), undefined)
  })

  check('onmessage hears, and an event says where it came from', async () => {
    const fresh = lineOf(await open('wrapped'))
    const { wrapped, link } = fresh
    const event = await new Promise<{ data: unknown; origin: string; type?: string }>(resolve => {
      wrapped.onmessage = resolve
      wrapped.postMessage({ ask: 'echo', value: [-0] } satisfies Question)
    })
    assert.is(difference([-0], event.data), undefined)
    if (link.options.targetOrigin !== undefined) assert.is(event.origin, link.options.targetOrigin)
    link.drop()
  })

  if (!transport.isMixed) declarePlain(transport, check)
  if (!isBare) declareHosts(transport, check, line)
}

for (const transport of [...transports, worklet]) declare(transport)

const frames = suite('wrapPort, ports of a frame')

frames('strangers of another realm meet, and a port in a value moves', async () => {
  const frame = dom.document.createElement('iframe')
  frame.hidden = true
  dom.document.body.append(frame)
  const { MessageChannel: Channel } = frame.contentWindow as unknown as {
    MessageChannel: typeof MessageChannel
  }
  const { port1, port2 } = new Channel()
  const near = wrapPort(port1, { types }) as unknown as AnyPort
  const far = wrapPort(port2, { types }) as unknown as AnyPort
  const heard = new Promise<unknown>(resolve => far.addEventListener('message', ({ data }) => resolve(data)))
  far.start?.()
  // Beyond clone: what a stranger posts first is a hello, which the value must come out of.
  const moved = new Channel()
  near.postMessage({ tensor: new Tensor([1, 2], new Float32Array(2)), port: moved.port1 })
  const { tensor, port } = (await heard) as { tensor: unknown; port: AnyPort }
  assert.instance(tensor, Tensor)
  const through = new Promise<unknown>(resolve => {
    port.onmessage = ({ data }) => resolve(data)
  })
  moved.port2.postMessage('through it')
  assert.is(await through, 'through it')
  near.close?.()
  frame.remove()
})

const windows = suite('wrapPort, windows')

windows('a window needs a target origin', async () => {
  const { port, drop } = await transports.find(({ name }) => name === 'Window')!.open('wrapped')
  try {
    wrapPort(port as PortLike)
    assert.unreachable('it was accepted')
  } catch (error) {
    assert.instance(error, TypeError)
    assert.match((error as Error).message, 'targetOrigin')
  }
  drop()
})

windows('what another origin posts is not heard', async () => {
  const { port, ear, drop } = await transports
    .find(({ name }) => name === 'Window of another origin')!
    .open('forger')
  const got: unknown[] = []
  const here = wrapPort(port as PortLike, { targetOrigin: dom.location.origin }) as unknown as AnyPort
  here.addEventListener('message', ({ data }) => got.push(data))
  const over = new Promise<void>(resolve => {
    const listener = ({ data }: { data: unknown }) => {
      if (data !== 'that was all') return
      ear.removeEventListener('message', listener)
      resolve()
    }
    ear.addEventListener('message', listener)
  })
  port.postMessage('begin', '*')
  await over
  assert.equal(got, [])
  drop()
})

windows("a frame's message for one wrapped window does not reach that of another", async () => {
  const transport = transports.find(({ name }) => name === 'Window')!
  const [one, other] = [lineOf(await transport.open('wrapped')), lineOf(await transport.open('wrapped'))]
  let strays = 0
  other.wrapped.addEventListener('message', () => strays++)
  assert.is(await one.ask('echo', 'mine'), 'mine')
  assert.is(strays, 0)
  for (const { link } of [one, other]) link.drop()
})
