/** A real server of this machine, and how bodies are sent to it. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

export class TestServer implements AsyncDisposable {
  readonly #server = createServer((request, response) => {
    // What goes wrong with a connection is told by the streams on it.
    request.on('error', () => {})
    response.on('error', () => {})
    Promise.resolve(this.#answer(request, response)).catch((error: unknown) => {
      this.errors.push(error)
      response.destroy()
    })
  })
  readonly #answer: Answer
  /** What the answers threw. */
  readonly errors: unknown[] = []
  url = ''

  constructor(answer: Answer) {
    this.#answer = answer
  }

  static async start(answer: Answer): Promise<TestServer> {
    const server = new TestServer(answer)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    server.url = `http://127.0.0.1:${(server.#server.address() as AddressInfo).port}/`
    return server
  }

  post(body: ReadableStream, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url, { method: 'POST', body, duplex: 'half', ...init })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

/** The body of a request. */
export function bodyOf(request: IncomingMessage): ReadableStream<Uint8Array> {
  return Readable.toWeb(request) as ReadableStream<Uint8Array>
}

/** Sends a body; rejects when it could not be sent to its end. */
export function send(body: ReadableStream<Uint8Array>, to: Writable): Promise<void> {
  return pipeline(Readable.fromWeb(body as never), to)
}
