/** A Python process that is asked things: pickles there and back by its stdin and stdout, in lists of frames. */
import { type ChildProcess, spawn } from 'node:child_process'
import { packFrames, pickle, unpackFrames } from '../../src/formats/pickle/index.js'
import { decode, type EncodeOptions, encode, type Packet } from '../../src/index.js'

const LENGTH = 8

export class Peer {
  readonly #child: ChildProcess
  readonly #waiting: ((packet: Packet) => void)[] = []
  #chunks: Buffer[] = []
  #bytes = 0
  /** Of the answer that arrives, its length included; until that is there, of the length. */
  #wanted = LENGTH
  errors = ''

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args)
    this.#child.stdout!.on('data', (chunk: Buffer) => this.#take(chunk))
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      this.errors += chunk
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    // Chunks are put together when there are enough of them: each byte once or twice, however many they are.
    while (this.#bytes >= this.#wanted) {
      const all = Buffer.concat(this.#chunks)
      const end = LENGTH + Number(all.readBigUInt64LE())
      const isWhole = all.length >= end
      // At an address that is a multiple of 8, as a reader that knows the length would have it.
      if (isWhole) this.#waiting.shift()?.(unpackFrames(new Uint8Array(all.subarray(LENGTH, end))))
      this.#chunks = [isWhole ? all.subarray(end) : all]
      this.#bytes = this.#chunks[0]!.length
      this.#wanted = isWhole ? LENGTH : end
    }
  }

  /** Sends a packet, resolves to the one that is answered. */
  send(packet: Packet): Promise<Packet> {
    const chunks = packFrames(packet)
    const length = Buffer.alloc(LENGTH)
    length.writeBigUInt64LE(BigInt(chunks.reduce((sum, chunk) => sum + chunk.length, 0)))
    for (const chunk of [length, ...chunks]) this.#child.stdin!.write(chunk)
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** What Python answers; what it throws is thrown. */
  async ask<T = unknown>(
    operation: string,
    value: unknown,
    { format = pickle, ...options }: EncodeOptions = {},
  ): Promise<T> {
    const packet = await this.send(encode([operation, value], { format, ...options }))
    const { answer, error } = decode<{ answer: T; error?: string }>(packet, { format })
    if (error !== undefined) throw new Error(`Python: ${error}`)
    return answer
  }

  async close(): Promise<void> {
    this.#child.stdin!.end()
    await new Promise(resolve => this.#child.once('close', resolve))
  }
}
