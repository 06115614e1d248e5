/** A socket of `ws` that only shows what the standard has, and behaves as a browser's: so that this way is run in Node. */
import type { WebSocket } from 'ws'
import type { WebSocketLike } from '../../src/carriers/websocket/shape.js'

type Listener = (event: never) => void

export class StandardSocket implements WebSocketLike {
  readonly #ws: WebSocket
  readonly #listeners = new Map<Listener, (event: object) => void>()
  #isClosing = false

  constructor(ws: WebSocket) {
    this.#ws = ws
    ws.on('error', () => {})
  }

  get readyState(): number {
    return this.#isClosing && this.#ws.readyState < 2 ? 2 : this.#ws.readyState
  }

  get bufferedAmount(): number {
    return this.#ws.bufferedAmount
  }

  get binaryType(): string {
    return this.#ws.binaryType
  }

  set binaryType(type: string) {
    if (type !== 'arraybuffer' && type !== 'blob') throw new TypeError(`binaryType: ${type}`)
    this.#ws.binaryType = type as 'arraybuffer'
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.readyState === 0) throw new Error('InvalidStateError')
    // Copied at once, and dropped without a word after the end.
    if (this.readyState === 1) this.#ws.send(bytes.slice())
  }

  close(code?: number, reason?: string): void {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
      throw new Error(`InvalidAccessError: ${code}`)
    }
    if (this.readyState > 1) return
    this.#isClosing = true
    this.#ws.close(code, reason)
  }

  addEventListener(name: string, listener: Listener): void {
    if (this.#listeners.has(listener)) return
    const hear = (event: object) => {
      // Who has closed hears nothing more.
      if (name === 'message' && this.#isClosing) return
      const { data, code, reason } = event as { data?: unknown; code?: unknown; reason?: unknown }
      // What an error was is not told.
      listener({ data, code, reason } as never)
    }
    this.#listeners.set(listener, hear)
    this.#ws.addEventListener(name as 'message', hear)
  }

  removeEventListener(name: string, listener: Listener): void {
    const hear = this.#listeners.get(listener)
    this.#listeners.delete(listener)
    if (hear !== undefined) this.#ws.removeEventListener(name as 'message', hear)
  }
}
