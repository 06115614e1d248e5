/**
 * Node's sockets, pipes and other duplex streams as a link. What is made here, or accepted by `serve`, is read straight
 * to where the bytes stay (`onread`, which a socket takes at its making); any other stream by its 'data' events, which
 * costs a copy.
 */
import { connect, type NetConnectOpts, type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import { OutbandError } from '../../errors.js'
import { keepAlive } from '../keep-alive.js'
import type { Inlet, Link } from '../stream/link.js'

/** Chunks of fewer bytes that are written within one tick share a system call. */
const SMALL = 16_384
/** Of so many bytes together. */
const GATHERED = 65_536
/** Of a peer that is gone so much more is read at most, and until nothing has come for so long. */
const REST_BYTES = 2 ** 24
const REST_MS = 1000
/** What is read to before a frame says where to: all sockets of the thread share it, since it is emptied at once. */
const FIRST = new Uint8Array(65_536)

/** What a socket's constructor takes as `connect` does, and its types do not say. */
interface ReadingOptions extends SocketConstructorOpts {
  readonly onread: OnReadOpts
  readonly handle?: object
}

/** Its sockets say nothing of `onread`, take a descriptor when they connect, and none is made of another one's handle. */
const isBun = 'bun' in process.versions

export class SocketLink implements Link {
  readonly name = 'socket'
  readonly canPause = true
  socket: Duplex
  readonly #isDirect: boolean
  readonly #onread: OnReadOpts
  #inlet: Inlet | undefined
  #target: Uint8Array = FIRST
  /** Whether something was written in this tick, so that more of it waits for its end. */
  #isGathering = false
  #gathered = 0
  #error: Error | undefined
  /** Whether a write has failed, and whether what the peer wrote is read to its end. */
  #isDeaf = false
  #isResting = false
  /** Bytes read before the rest. */
  #restAt = 0

  private constructor(make: (onread: OnReadOpts) => Duplex, isDirect: boolean) {
    this.#isDirect = isDirect
    this.#onread = {
      buffer: () => {
        this.#target = this.#inlet?.target() ?? FIRST
        return this.#target
      },
      callback: (byteLength, memory) => {
        // The first read of all goes to memory that was there before anybody knew what comes.
        if (memory !== this.#target) this.#inlet?.push(memory.subarray(0, byteLength))
        else if (memory === FIRST) this.#inlet?.push(FIRST.subarray(0, byteLength))
        else this.#inlet?.filled(byteLength)
        return true
      },
    }
    this.socket = make(this.#onread)
    // Who has closed may still want to hear: it is for the carrier to end the other direction.
    this.socket.allowHalfOpen = true
  }

  /** A link over a stream that is there already. */
  static over(stream: Duplex): SocketLink {
    return new SocketLink(() => stream, false)
  }

  /** A link over a socket that connects. */
  static to(options: NetConnectOpts): SocketLink {
    if (isBun) return SocketLink.over(connect({ ...options, allowHalfOpen: true }))
    return new SocketLink(onread => connect({ ...options, allowHalfOpen: true, onread }), true)
  }

  /**
   * A link over a file descriptor: a socket or pipe that the process was given, to be read, written or both.
   * @throws TypeError, Node's own, for a descriptor that is closed, or of a file or terminal
   */
  static on(fd: number, ways = { readable: true, writable: true }): SocketLink {
    if (isBun) return SocketLink.to({ fd } as unknown as NetConnectOpts)
    const make = (onread: OnReadOpts): Socket => {
      const options: ReadingOptions = { fd, ...ways, allowHalfOpen: true, onread }
      return new Socket(options)
    }
    return new SocketLink(make, true)
  }

  /**
   * A link over a socket of which nothing was read or written yet: it is made anew, since a socket learns only at its
   * making where to read to. Where the system does not let go of it, it is taken as it is.
   */
  static adopting(socket: Socket): SocketLink {
    const { _handle: handle } = socket as Owner
    if (handle === null || handle === undefined || isBun) return SocketLink.over(socket)
    return new SocketLink(onread => renewed(socket, handle, onread), true)
  }

  open(inlet: Inlet): void {
    this.#inlet = inlet
    if (!this.#isDirect && this.#wasOver(inlet)) return
    if (!this.#isDirect) this.socket.on('data', (chunk: Uint8Array) => inlet.push(chunk))
    this.#listen(inlet)
  }

  /** Tells what a stream that was given tells no more: whether it was destroyed, and else that it has ended. */
  #wasOver(inlet: Inlet): boolean {
    const { socket } = this
    const { destroyed, readableEnded, errored } = socket
    if (destroyed) {
      // One that was destroyed only now may still tell of its error, which nobody else hears.
      socket.on('error', () => {})
      queueMicrotask(() => inlet.gone(lost(errored ?? new Error('the stream was destroyed before'))))
    } else if (readableEnded) queueMicrotask(() => inlet.ended())
    return destroyed
  }

  #listen(inlet: Inlet): void {
    const { socket } = this
    let isGone = false
    const gone = (): void => {
      if (isGone || socket !== this.socket) return
      isGone = true
      inlet.gone(this.#error && lost(this.#error))
    }
    // A stream that was given may live on when it is over, or never tell of its close; a socket has by then.
    const over = (): void => {
      const end = () => {
        socket.destroy()
        gone()
      }
      if (!this.#isDirect) setImmediate(() => setImmediate(end))
    }
    const halfOver = (): void => {
      if (socket.readableEnded && socket.writableFinished) over()
    }
    socket.on('end', () => {
      inlet.ended()
      if (this.#isDeaf) socket.destroy()
      halfOver()
    })
    socket.on('finish', halfOver)
    // After a write that failed, a read that fails as well tells more: what went before was not read.
    socket.on('error', error => {
      this.#error = error
      over()
    })
    socket.once('close', gone)
  }

  write(chunks: readonly Uint8Array[], done?: (isOut: boolean) => void): void {
    if (this.#isDeaf) {
      if (done !== undefined) process.nextTick(done, false)
      return
    }
    const { socket } = this
    const last = chunks.length - 1
    const isSmall = last === 0 && chunks[0]!.length < SMALL
    if (isSmall) this.#gathered += chunks[0]!.length
    else socket.cork()
    for (const [at, chunk] of chunks.entries()) {
      if (at < last) socket.write(chunk)
      else {
        socket.write(chunk, error => {
          if (error) this.#deafen(error)
          done?.(!error)
        })
      }
    }
    if (!isSmall) socket.uncork()
    if (!isSmall || this.#gathered >= GATHERED) this.#flush()
    this.#gather()
  }

  /** What is written first in a tick goes at once, and the rest of that tick together: who blocks the thread then has sent. */
  #gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    this.socket.cork()
    process.nextTick(() => {
      this.#isGathering = false
      this.#gathered = 0
      this.socket.uncork()
    })
  }

  #flush(): void {
    this.#gathered = 0
    if (!this.#isGathering) return
    this.socket.uncork()
    this.socket.cork()
  }

  /**
   * The peer takes nothing more. What it has written before is still there to be read, though not through a socket that
   * has failed, which is about to close.
   */
  #deafen(error: Error): void {
    const { _handle: handle, readableEnded: isRead } = this.socket as Owner & Duplex
    if (this.#isDeaf || !this.#isDirect || isRead || !handle || this.#inlet === undefined) return
    this.#isDeaf = true
    this.#error ??= error
    this.socket = renewed(this.socket, handle, this.#onread)
    this.#listen(this.#inlet)
    this.rest()
  }

  /** Reads what a peer that is gone has written, whatever `pause` says, and ends when nothing more comes. */
  rest(): void {
    if (this.#isResting) return
    this.#isResting = true
    this.socket.resume()
    const { bytesRead: first = 0 } = this.socket as Socket
    this.#restAt = first
    const look = (before: number): void => {
      const ring = () => {
        const { bytesRead = 0, destroyed, readableEnded } = this.socket as Socket
        if (destroyed || readableEnded) return
        if (bytesRead === before || this.#isPastRest()) this.socket.destroy()
        else look(bytesRead)
      }
      // In a thread that was busy the timers come before the reads that have waited.
      setTimeout(() => setImmediate(ring), REST_MS).unref()
    }
    look(first)
  }

  #isPastRest(): boolean {
    const { bytesRead = 0 } = this.socket as Socket
    return bytesRead - this.#restAt > REST_BYTES
  }

  /** Bytes of what is being written that the system has not taken yet, as far as it tells. */
  get unwritten(): number {
    const { _handle: handle } = this.socket as Owner
    return handle?.writeQueueSize ?? 0
  }

  pause(): void {
    if (!this.#isResting) this.socket.pause()
    // Who takes nothing more may go on writing, and what nobody reads is kept.
    else if (this.#isPastRest()) this.socket.destroy()
  }

  resume(): void {
    this.socket.resume()
  }

  keepAlive(isKept: boolean): void {
    keepAlive(this.socket, isKept)
  }

  finish(): void {
    if (!this.#isDeaf) this.socket.end()
  }

  destroy(): void {
    this.socket.destroy()
  }
}

/** What Node has in a socket and does not say. */
interface Owner {
  _handle?: { readonly writeQueueSize?: number } | null
  server?: unknown
  _server?: unknown
}

/** The same socket made anew: it learns only at its making where to read to, and does not read once it has failed. */
function renewed(socket: Duplex, handle: object, onread: OnReadOpts): Socket {
  const owner = socket as Owner
  owner._handle = null
  const options: ReadingOptions = { handle, allowHalfOpen: true, onread }
  const fresh = new Socket(options)
  const owned = fresh as Owner
  // So that the server counts it out at its end.
  owned.server = owner.server
  owned._server = owner._server
  owner._server = null
  return fresh
}

/** The error of a socket as ours. */
function lost(cause: NodeJS.ErrnoException): OutbandError {
  // The error of a host of several addresses has no message.
  const why = cause.message || cause.code
  return new OutbandError('PEER_GONE', `socket: the peer is gone: ${why}`, { cause })
}
