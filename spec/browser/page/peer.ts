/** The other side of a port, whatever it runs in: a worker, a frame, or the page itself. */
import { isOutbandError } from '../../../src/index.js'
import { connectPort, type PortLike, type WrapOptions, wrapPort } from '../../../src/port/index.js'
import type { AnyPort, Message } from './dom.js'
import { types } from './types.js'

/**
 * What a peer is: `wrapped` answers questions through `wrapPort`, `plain` knows nothing of us and says what it saw,
 * `forger` posts lookalikes of our messages, `echo` is a channel that sends all back, `late` one that begins to read
 * only after a while.
 */
export type Role = 'wrapped' | 'plain' | 'forger' | 'echo' | 'late'

/** What is asked of a wrapped peer. */
export interface Question {
  readonly ask: 'echo' | 'move' | 'look' | 'write' | 'read-stream' | 'use-port'
  readonly value: unknown
}

/** What a wrapped peer sees of a view. */
export interface Look {
  readonly bytes: number[]
  readonly bufferBytes: number
  readonly isShared: boolean
}

/** What a plain peer saw. */
export interface Seen {
  readonly data: unknown
  readonly keys: readonly string[]
  readonly ports: number
}

/** How long a `late` channel does not read. */
export const LATE_MS = 200
export const LATE_WAITING = 4

/** How a channel ended: `closed`, or the code of its error. */
export type Note = (ending: string) => void

/** What a peer posts that wants to pass for one of ours without holding a port. */
export function lookalikes(): unknown[] {
  const proof: unknown[] = ['outband hello', null, 'x'.repeat(16), ['x'.repeat(16), 0, 1]]
  return [
    'outband 1:',
    'outband 1:\u0003\0\0abc',
    ['outband 1:', 0, 5],
    ['outband 1:', 3, 0],
    ['outband 1:', new Uint8Array(3), [], []],
    ['\0'.repeat(16), 0, 5],
    'outband hello',
    proof,
    ['outband hello', {}, 'x'.repeat(16), 'post'],
    { brand: 'outband', meta: new Uint8Array(3), buffers: [] },
    true,
    5,
  ]
}

/** On a broadcast channel wrapped ports must be told of each other. */
export function told(port: object): WrapOptions {
  return Object.prototype.toString.call(port) === '[object BroadcastChannel]' ? { peer: 'wrapped' } : {}
}

/** Serves one role at a port. */
export function serve(port: AnyPort, role: Role, options: WrapOptions = {}, note: Note = () => {}): void {
  if (role === 'wrapped') serveWrapped(port, options)
  else if (role === 'plain') servePlain(port, options)
  else if (role === 'forger') {
    listen(port, () => {
      for (const message of lookalikes()) post(port, message, options)
      post(port, 'that was all', options)
    })
  } else serveChannel(port, role, options, note)
}

function serveWrapped(port: AnyPort, options: WrapOptions): void {
  const wrapped = wrapPort(port as PortLike, { ...options, ...told(port), types })
  const face = wrapped as unknown as AnyPort
  face.addEventListener('message', ({ data }) => {
    answer(data as Question)
      .then(({ reply, transfer }) => wrapped.postMessage(reply, { transfer }))
      .catch((error: unknown) => wrapped.postMessage({ failed: String(error) }))
  })
  face.addEventListener('messageerror', ({ data }) => wrapped.postMessage({ failed: String(data) }))
  face.start?.()
}

async function answer({ ask, value }: Question): Promise<{ reply: unknown; transfer: boolean }> {
  if (ask === 'echo' || ask === 'move') return { reply: value, transfer: ask === 'move' }
  if (ask === 'read-stream') {
    const { stream } = value as { stream: ReadableStream<string> }
    let text = ''
    for (let reader = stream.getReader(); ; ) {
      const { value: chunk, done } = await reader.read()
      if (done) return { reply: text, transfer: false }
      text += chunk
    }
  }
  if (ask === 'use-port') {
    const [port] = (value as Map<string, AnyPort[]>).get('ports')!
    port!.postMessage('through the port')
    return { reply: 'used', transfer: false }
  }
  const view = value as Uint8Array
  if (ask === 'write') view[0] = 42
  const look: Look = {
    bytes: [...view],
    bufferBytes: view.buffer.byteLength,
    isShared: Object.prototype.toString.call(view.buffer) === '[object SharedArrayBuffer]',
  }
  return { reply: look, transfer: false }
}

function servePlain(port: AnyPort, options: WrapOptions): void {
  listen(port, ({ data, ports }) => {
    const keys = typeof data === 'object' && data !== null ? Object.keys(data) : []
    post(port, { data, keys, ports: ports?.length ?? 0 } satisfies Seen, options)
  })
}

function listen(port: AnyPort, hear: (message: Message) => void): void {
  // A window posts to another, and hears on its own.
  const ear = 'window' in port ? (globalThis as unknown as AnyPort) : port
  ear.addEventListener('message', hear)
  ear.start?.()
}

function post(port: AnyPort, message: unknown, { targetOrigin }: WrapOptions): void {
  if (targetOrigin === undefined) port.postMessage(message)
  else port.postMessage(message, targetOrigin)
}

function serveChannel(port: AnyPort, role: 'echo' | 'late', options: WrapOptions, note: Note): void {
  const { targetOrigin } = options
  const maxWaiting = role === 'late' ? LATE_WAITING : undefined
  const channel = connectPort(port as PortLike, { targetOrigin, maxWaiting, types })
  channel.closed.then(
    () => note('closed'),
    (error: unknown) => note(isOutbandError(error) ? error.code : String(error)),
  )
  const read = async () => {
    for await (const value of channel) await channel.send(value)
  }
  setTimeout(() => void read().catch(() => {}), role === 'late' ? LATE_MS : 0)
}
