/**
 * Ports by their shape, so that nothing of Node is imported and a browser's come out the same:
 *
 *      Worker (Node)         on('message'), on('exit'), terminate
 *      MessagePort, Worker   addEventListener('message'), start or terminate
 *      BroadcastChannel      addEventListener('message'), a name; moves nothing
 *      Window                posts to another window, hears on its own
 */
import { expectArgument, OutbandError } from '../../errors.js'
import { keepAlive } from '../keep-alive.js'
import { isClosed, threads } from '../threads.js'
import { soon } from '../turns.js'

/** Hears a message: its data, and the platform's event where there is one. */
export type Hear = (data: unknown, event: MessageEvent | undefined) => void

/** What `wrapPort` and `connectPort` take: anything with `postMessage` that can be heard from. */
export interface PortLike {
  postMessage: unknown
}

/** How to reach a window: whom a message is for, and, since windows hear everybody, from whom one is taken. */
export interface WindowOptions {
  /** Origin of the other window, for a Window only; `'*'` sends to, and hears, whoever is there. */
  readonly targetOrigin?: string | undefined
}

/** A port, whatever its shape. */
export interface Endpoint {
  /** Whether memory and ports can move through it. */
  readonly canMove: boolean
  /** Whether several peers may hear one message. */
  readonly isBroadcast: boolean
  /** Whether shared memory can go through it. */
  readonly canShare: boolean
  /** Whether a message with shared memory arrives as null, without an error on either side. */
  readonly losesShared: boolean
  /** Whether messages come, and are lost, whether or not anybody hears them. */
  readonly isFlowing: boolean
  post(message: unknown, list: object[]): void
  /** Whether the second argument of a window's `postMessage` is the origin. @throws TypeError when that is another one */
  isOrigin(argument: unknown): boolean
  /**
   * Hears messages until the function it returns is called. In browsers a MessagePort waits for `start`. Node makes an
   * event for whoever wants one, and its ports; without, a message costs a third less.
   */
  listen(hear: Hear, wantsEvent: boolean): () => void
  /**
   * Hears that no message will come any more, where the platform tells: why, if it was not a plain close, and was not before.
   * Whoever `answers` for a Node Worker takes its error, which else is thrown in this thread.
   */
  onGone(hear: (reason?: unknown) => void, answers: boolean): () => void
  /** Hears of a message that cannot be rebuilt here, such as shared memory that came from another process. */
  onLost(hear: (event: MessageEvent | undefined) => void): () => void
  start(): void
  /** Whether the port is a reason for this thread to live, or that of a Worker of Node's. */
  keepAlive(isKept: boolean): void
  /**
   * Told whether anybody listens, of a port that is heard all the time. A Worker of Node's keeps its owner alive for that, and
   * its messages from the moment on at which its last listener went: answers whether they are kept.
   */
  attend(isHeard: boolean): boolean
  /** Ends a port of one's own; a thread's, or a window, is only left alone. */
  release(): void
}

type Listener = (event: never) => void
interface Target {
  postMessage(message: unknown, ...rest: unknown[]): void
  addEventListener(type: string, listener: Listener): void
  removeEventListener(type: string, listener: Listener): void
  start?(): void
  close?(): void
}
interface Emitter {
  postMessage(message: unknown, list?: readonly object[]): void
  on(type: string, listener: (...args: never[]) => void): void
  off(type: string, listener: (...args: never[]) => void): void
}

const has = (port: object, ...names: string[]): boolean =>
  names.every(name => typeof (port as Record<string, unknown>)[name] === 'function')

/** Browsers hide shared memory from a page that is not isolated, or refuse to post it. */
const isSharingOn =
  typeof SharedArrayBuffer === 'function' &&
  (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false

const tagOf = (port: object): string => Object.prototype.toString.call(port).slice(8, -1)

/** @throws TypeError for what cannot post and be heard. */
export function endpointOf(port: PortLike, options: WindowOptions = {}): Endpoint {
  const isObject = (typeof port === 'object' || typeof port === 'function') && port !== null
  // A window of another origin lets nothing else of itself be seen.
  if (isObject && isWindow(port)) return windowEndpoint(port as unknown as Target, options)
  expectArgument(isObject && has(port, 'postMessage'), 'port', 'an object with postMessage')
  if (has(port, 'on', 'terminate') && !has(port, 'addEventListener')) {
    return workerEndpoint(port as unknown as Emitter)
  }
  expectArgument(has(port, 'addEventListener'), 'port', 'an object with on or addEventListener')
  return targetEndpoint(port as unknown as Target)
}

function isWindow(port: object): boolean {
  // The thread's own scope is a port as well: in a worker it posts to whoever made it.
  return (port as { window?: unknown }).window === port
}

/** MessagePort, Node's parentPort, and in browsers Worker, BroadcastChannel and a worker's own scope. */
function targetEndpoint(port: Target): Endpoint {
  const isBroadcast = tagOf(port) === 'BroadcastChannel' || port.constructor?.name === 'BroadcastChannel'
  const isOwn = isBroadcast || tagOf(port) === 'MessagePort' || port.constructor?.name === 'MessagePort'
  return {
    canMove: !isBroadcast,
    isBroadcast,
    canShare: !isBroadcast && isSharingOn,
    // Seen in Chromium 150; Node's knows `ref`.
    losesShared: isBroadcast && !has(port, 'ref'),
    isFlowing: false,
    isOrigin: () => false,
    post: isBroadcast
      ? message => port.postMessage(message)
      : (message, list) => port.postMessage(message, list),
    listen: (hear, wantsEvent) => listenTo(port, hear, wantsEvent),
    onGone: hear => {
      const stop = listening(port, 'close', () => hear())
      const stopEarly = tellEarly(isOwn && isClosed(port), hear)
      return () => {
        stop()
        stopEarly()
      }
    },
    onLost: hear => listening(port, 'messageerror', hear),
    start: () => port.start?.(),
    keepAlive: isKept => keepAlive(port, isKept),
    attend: () => false,
    release: () => {
      if (isOwn && !isThreadsOwn(port)) port.close?.()
    },
  }
}

function listenTo(port: Target, hear: Hear, wantsEvent: boolean): () => void {
  if (!has(port, 'on', 'off')) {
    return listening(port, 'message', (event: MessageEvent) => hear(event.data, event))
  }
  if (!wantsEvent) return listenBare(port as unknown as Emitter, hear)
  // Node's events say null for undefined, its bare listeners know nothing of ports.
  let last: MessageEvent | undefined
  const stop = listening(port, 'message', (event: MessageEvent) => {
    last = event
  })
  const stopBare = listenBare(port as unknown as Emitter, data => hear(data, last))
  return () => {
    stopBare()
    stop()
  }
}

function listenBare(port: Emitter, hear: Hear): () => void {
  const listener = (data: unknown) => hear(data, undefined)
  port.on('message', listener)
  return () => port.off('message', listener)
}

/** Tells of an end that came before anybody asked to hear of it, unless the function it returns is called first. */
function tellEarly(isOver: boolean, hear: () => void): () => void {
  let isAwaited = isOver
  if (isOver) {
    soon(() => {
      if (isAwaited) hear()
    })
  }
  return () => {
    isAwaited = false
  }
}

function listening(port: Target, type: string, listener: Listener): () => void {
  port.addEventListener(type, listener)
  return () => port.removeEventListener(type, listener)
}

/** Node's `parentPort` is a MessagePort like any other, but to close it is to give up the thread. */
function isThreadsOwn(port: object): boolean {
  return threads()?.parentPort === port
}

/**
 * Node's Worker hands on bare messages; the port behind it also tells which ports came with one. Without it (a
 * later Node may hide it) such ports go unseen, and peers find each other a message later.
 */
function workerEndpoint(worker: Emitter): Endpoint {
  const inner = innerPort(worker)
  return {
    canMove: true,
    isBroadcast: false,
    canShare: true,
    losesShared: false,
    isFlowing: true,
    isOrigin: () => false,
    post: (message, list) => worker.postMessage(message, list),
    listen: (hear, wantsEvent) =>
      inner === undefined ? listenBare(worker, hear) : listenTo(inner, hear, wantsEvent),
    onGone: (hear, answers) => {
      let failure: unknown
      const onError = (error: unknown) => {
        failure = error
      }
      const onExit = (code: number) =>
        hear(failure ?? (code === 0 ? undefined : new Error(`exit code ${code}`)))
      worker.on('exit', onExit)
      if (answers) worker.on('error', onError)
      const stopEarly = tellEarly((worker as { threadId?: number }).threadId === -1, hear)
      return () => {
        stopEarly()
        worker.off('exit', onExit)
        worker.off('error', onError)
      }
    },
    onLost: hear => {
      const listener = () => hear(undefined)
      worker.on('messageerror', listener)
      return () => worker.off('messageerror', listener)
    },
    start: () => {},
    keepAlive: isKept => keepAlive(worker, isKept),
    attend: isHeard => {
      // Node does both when its own listeners come and go.
      if (isHeard) worker.on('message', nothing)
      else worker.off('message', nothing)
      return inner !== undefined
    },
    release: () => {},
  }
}

const nothing = (): void => {}

function innerPort(worker: object): Target | undefined {
  for (const symbol of Object.getOwnPropertySymbols(worker)) {
    if (symbol.description !== 'kPublicPort') continue
    const port = (worker as Record<symbol, object>)[symbol]
    if (has(port ?? {}, 'addEventListener')) return port as Target
  }
  return undefined
}

function windowEndpoint(target: Target, { targetOrigin }: WindowOptions): Endpoint {
  expectArgument(typeof targetOrigin === 'string', 'targetOrigin', "the other window's origin, or '*'")
  const here = globalThis as unknown as Target
  const isTheirs = ({ source, origin }: MessageEvent): boolean =>
    source === (target as unknown) && isFrom(origin, targetOrigin)
  return {
    canMove: true,
    isBroadcast: false,
    canShare: false,
    losesShared: false,
    isFlowing: true,
    isOrigin: argument => {
      const origin = (argument as WindowOptions | null | undefined)?.targetOrigin ?? argument
      if (typeof origin !== 'string') return false
      expectArgument(origin === targetOrigin, 'targetOrigin', `that of wrapPort, ${targetOrigin}`)
      return typeof argument === 'string'
    },
    post: (message, list) => target.postMessage(message, targetOrigin, list),
    listen: hear =>
      listening(here, 'message', (event: MessageEvent) => {
        if (isTheirs(event)) hear(event.data, event)
      }),
    onGone: () => () => {},
    onLost: hear =>
      listening(here, 'messageerror', (event: MessageEvent) => {
        if (isTheirs(event)) hear(event)
      }),
    start: () => {},
    keepAlive: () => {},
    attend: () => false,
    release: () => {},
  }
}

/** The error for a port whose peer has gone, with the reason that `onGone` told. */
export function peerGone(reason: unknown): OutbandError {
  // A thread may throw anything. Of an object that has nothing to say, `cause` tells.
  const { message = reason } = Object(reason) as { message?: unknown }
  const said = typeof message === 'object' ? '' : String(message ?? '')
  const because = said === '' ? '' : `: ${said}`
  const fields = reason === undefined ? {} : { cause: reason }
  return new OutbandError('PEER_GONE', `port: the peer is gone${because}`, fields)
}

/** The error for a message that was lost on its way in. */
export function lost(): OutbandError {
  return new OutbandError(
    'UNSUPPORTED',
    'port: a message came that cannot be rebuilt here, such as shared memory',
  )
}

function isFrom(origin: string, targetOrigin: string): boolean {
  if (targetOrigin === '*') return true
  const wanted =
    targetOrigin === '/' ? (globalThis as { origin?: string }).origin : new URL(targetOrigin).origin
  return origin === wanted
}
