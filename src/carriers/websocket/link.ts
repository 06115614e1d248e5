/**
 * A WebSocket as a link: what is written as one run is one binary message. There are two kinds:
 *
 *                 pause   writing                                               reading
 *      ws         yes     the chunks as fragments of the message, where they    fragments as they came
 *                         lie, until `ws` says that they are out
 *      standard   no      joined to one chunk (a copy), which the socket        the whole message
 *                         copies; out when `bufferedAmount` has gone down
 *
 * Either gives a message only when all of it is there.
 */
import { isBytes, isMemory } from '../../bytes/window.js'
import { OutbandError } from '../../errors.js'
import { Deferred } from '../deferred.js'
import { keepAlive } from '../keep-alive.js'
import { joined } from '../stream/chunks.js'
import type { Inlet, Link } from '../stream/link.js'
import { Drain } from './drain.js'
import { closeError, gone, protocolError } from './failure.js'
import { answerPings } from './pings.js'
import { CONNECTING, isWs, OPEN, type RawSocket, type WebSocketLike, type WsSocket } from './shape.js'
import { watchUnderway } from './underway.js'

/** `ws` takes at most 16 384 fragments in a message, and every one has its price. */
const MOST_FRAGMENTS = 1024
/** What the standard leaves to applications begins here. */
const ABORTED = 4000
/** How long `ws` may take to tell a peer what it did wrong. */
const LAST_WORDS_MS = 1000
/** Its own `ws` knows no 'upgrade', and prints that it does not. */
const isBun = 'Bun' in globalThis

type Done = (isOut: boolean) => void

export class WebSocketLink implements Link {
  readonly name = 'websocket'
  readonly canPause: boolean
  readonly isCopying: boolean
  readonly isBlind: boolean
  readonly #socket: WebSocketLike
  /** The same, where it is one of `ws`'s. */
  readonly #ws: WsSocket | undefined
  readonly #raw: RawSocket | undefined
  readonly #drain: Drain
  readonly #opened = new Deferred()
  #inlet: Inlet | undefined
  /** What a process lives for, where that is told. */
  #holder: object | undefined
  #isKept = true
  #isPaused = false
  #isFinishing = false
  /** What was written before the socket was open. */
  #early: { readonly chunks: readonly Uint8Array[]; readonly done: Done | undefined }[] = []
  #error: unknown
  #underway: ReturnType<typeof watchUnderway> | undefined
  #stopAnswering: (() => void) | undefined

  /**
   * `raw`: the socket below one that a server of `ws` accepted, so that what is on its way is counted. Its pings are
   * answered here.
   */
  constructor(socket: WebSocketLike, raw?: RawSocket) {
    this.#socket = socket
    this.#ws = isWs(socket) ? socket : undefined
    this.#raw = this.#ws && raw
    this.#holder = this.#raw
    this.#drain = new Drain(socket)
    this.canPause = this.#ws !== undefined
    this.isCopying = this.#ws === undefined
    this.isBlind = this.#raw === undefined
  }

  /** Resolves when the socket is open; rejects with PEER_GONE when it will not be. Never unhandled. */
  get opened(): Promise<void> {
    return this.#opened.promise
  }

  open(inlet: Inlet): void {
    this.#inlet = inlet
    const socket = this.#socket
    if (socket.readyState > OPEN) {
      queueMicrotask(() => this.#end(gone('the socket was closed before')))
      return
    }
    socket.binaryType = this.#ws === undefined ? 'arraybuffer' : 'fragments'
    socket.addEventListener('open', this.#onOpen)
    socket.addEventListener('message', this.#onMessage)
    socket.addEventListener('close', this.#onClose)
    socket.addEventListener('error', this.#onError)
    if (socket.readyState === CONNECTING && !isBun) this.#ws?.on('upgrade', this.#onUpgrade)
    if (socket.readyState === OPEN) this.#onOpen()
  }

  write(chunks: readonly Uint8Array[], done?: Done): void {
    const { readyState } = this.#socket
    if (readyState === CONNECTING && this.#inlet !== undefined) this.#early.push({ chunks, done })
    else if (readyState === OPEN) this.#send(chunks, done)
    else if (done !== undefined) queueMicrotask(() => done(false))
  }

  pause(): void {
    this.#isPaused = true
    this.#ws?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#ws?.resume()
  }

  keepAlive(isKept: boolean): void {
    this.#isKept = isKept
    if (this.#holder !== undefined) keepAlive(this.#holder, isKept)
  }

  finish(): void {
    this.#isFinishing = true
    if (this.#socket.readyState !== CONNECTING) this.#socket.close(1000)
  }

  destroy(): void {
    this.#end(undefined)
    const ws = this.#ws
    if (ws === undefined) return this.#socket.close(ABORTED)
    if (protocolError(this.#error) === undefined) ws.terminate()
    else hangUp(ws)
  }

  #send(chunks: readonly Uint8Array[], done: Done | undefined): void {
    const ws = this.#ws
    if (ws === undefined) {
      const [first] = chunks
      // A Blob of the chunks is out in half the time in Chromium, which then keeps it: 2 GiB after 60 sends of 32 MiB.
      const bytes = chunks.length === 1 ? first! : joined(chunks)
      this.#socket.send(bytes as Uint8Array<ArrayBuffer>)
      return this.#drain.add(bytes.length, done)
    }
    const fragments = fewer(chunks)
    const last = fragments.length - 1
    for (const [at, fragment] of fragments.entries()) {
      const options = { binary: true, compress: false, fin: at === last } as const
      if (at < last || done === undefined) ws.send(fragment, options)
      else ws.send(fragment, options, error => done(!error))
    }
  }

  readonly #onUpgrade = ({ socket }: { readonly socket: object }): void => {
    this.#holder = socket
    this.keepAlive(this.#isKept)
  }

  readonly #onOpen = (): void => {
    // `ws` has nothing to pause before.
    if (this.#isPaused) this.#ws?.pause()
    if (this.#raw !== undefined) {
      this.#underway = watchUnderway(this.#ws!, this.#raw, byteLength => this.#inlet?.underway(byteLength))
      this.#stopAnswering = answerPings(this.#ws!)
    }
    for (const { chunks, done } of this.#early.splice(0)) this.#send(chunks, done)
    this.#opened.resolve()
    if (this.#isFinishing) this.finish()
  }

  readonly #onMessage = ({ data }: { readonly data: unknown }): void => {
    const inlet = this.#inlet
    if (inlet === undefined) return
    this.#drain.look()
    this.#underway?.message()
    const parts = Array.isArray(data) ? data : [data]
    for (const part of parts) {
      if (isBytes(part)) inlet.push(part)
      else if (isMemory(part)) inlet.push(new Uint8Array(part))
      else return this.#end(new OutbandError('MALFORMED', 'websocket: a message that is not binary'))
    }
    inlet.boundary()
  }

  readonly #onClose = ({ code, reason }: { readonly code: number; readonly reason: string }): void => {
    const error = closeError(code, String(reason), this.#error)
    if (error === undefined) this.#inlet?.ended()
    this.#end(error)
  }

  /**
   * A close follows, at once but for what `ws` finds wrong with what it reads; in Node 22 none does when a socket cannot
   * connect.
   */
  readonly #onError = ({ error }: { readonly error?: unknown }): void => {
    this.#error ??= error
    const isRefused = this.#socket.readyState === CONNECTING
    const failure = isRefused ? gone('it could not connect', error) : protocolError(error)
    if (failure !== undefined) this.#end(failure)
  }

  /** Lets go of the socket, and tells the inlet, once. */
  #end(error: OutbandError | undefined): void {
    const inlet = this.#inlet
    if (inlet === undefined) return
    this.#inlet = undefined
    const socket = this.#socket
    socket.removeEventListener('open', this.#onOpen)
    socket.removeEventListener('message', this.#onMessage)
    socket.removeEventListener('close', this.#onClose)
    // Of an error that nobody hears `ws` makes one of the process.
    socket.addEventListener('error', unheard)
    socket.removeEventListener('error', this.#onError)
    this.#ws?.off('upgrade', this.#onUpgrade)
    this.#underway?.stop()
    this.#stopAnswering?.()
    this.#drain.stop()
    for (const { done } of this.#early.splice(0)) done?.(false)
    this.#opened.reject(error ?? gone('the socket was closed'))
    inlet.gone(error)
  }
}

function unheard(): void {}

/** Ends a connection of `ws` that it has closed already, when the peer has had time to hear why. */
export function hangUp(ws: WsSocket): void {
  keepAlive(
    setTimeout(() => ws.terminate(), LAST_WORDS_MS),
    false,
  )
}

/** The chunks as so many fragments that `ws` takes them: where they are too many, neighbours are joined (a copy). */
function fewer(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  if (chunks.length <= MOST_FRAGMENTS) return chunks
  const fragments: Uint8Array[] = []
  const count = Math.ceil(chunks.length / MOST_FRAGMENTS)
  for (let at = 0; at < chunks.length; at += count) fragments.push(joined(chunks.slice(at, at + count)))
  return fragments
}
