/** What a peer is told, and what it says. */
import { writeSync } from 'node:fs'
import type { Counts } from './messages.js'
import type { roles } from './roles.js'
import type { Address } from './transports.js'

/** What a peer is told to do. */
export interface Order {
  readonly role: keyof typeof roles
  readonly transport: string
  readonly address?: Address | undefined
  readonly seed: number
  /** Messages to send, or connections to make. */
  readonly count?: number
  /** The longest message, in bytes. */
  readonly most?: number
  /** What a role does so often, or for so long, in milliseconds. */
  readonly ms?: number
  /** What a role does after so many messages, or bytes. */
  readonly at?: number
  /** How long it waits for a frame, or a word. */
  readonly patienceMs?: number
}

/** A line of a peer; each has some of these. */
export interface Word {
  readonly isThere?: true
  readonly n?: number
  readonly sent?: number
  readonly end?: string
  readonly tally?: Counts
  readonly gone?: number
  readonly answers?: number
  readonly refused?: number
  readonly worstMs?: number
  readonly serving?: true
  readonly flips?: number
}

const clock = new Int32Array(new SharedArrayBuffer(4))

/** Says something at once, so that what was said before a kill is known. */
export function say(word: Word): void {
  let rest: Uint8Array = Buffer.from(`${JSON.stringify(word)}\n`)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest))
    } catch (error) {
      // Who listens is busy, and the pipe is full.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(clock, 0, 0, 1)
    }
  }
}
