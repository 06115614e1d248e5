/** Starts readers in other processes and threads, and asks them for things. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import * as assert from 'uvu/assert'
import type { ArenaLender, SharedArena } from '../../src/shm/index.js'
import { PATIENCE_MS } from '../shm/kit.js'
import type { Task } from './peer.js'

const script = fileURLToPath(new URL('peer.js', import.meta.url))

/** Those that were started and not ended: one that a failed test left behind would keep the spec from ending. */
const running = new Set<Peer>()

export class Peer {
  #waiting: ((answer: { result?: unknown; code?: string }) => void)[] = []

  constructor(readonly side: ChildProcess | Worker) {
    running.add(this)
    side.on('message', answer => this.#waiting.shift()?.(answer))
  }

  /** What the peer answers; an error is its code. In order, and several may be under way. */
  ask<T = unknown>(task: Task, ...args: unknown[]): Promise<T> {
    const message = { task, args }
    if (this.side instanceof Worker) this.side.postMessage(message)
    else this.side.send(message)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${task}`)), PATIENCE_MS)
      this.#waiting.push(({ result, code }) => {
        clearTimeout(timer)
        resolve((code ?? result) as T)
      })
    })
  }

  /** Ends it. A crash before that is found here. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    running.delete(this)
    if (this.side instanceof Worker) {
      await this.side.terminate()
      return
    }
    assert.equal([this.side.exitCode, this.side.signalCode], [null, null], 'it crashed')
    this.side.kill(signal)
    await once(this.side, 'exit')
  }
}

/** Ends what is left of a test. */
export async function endAll(): Promise<void> {
  for (const peer of running) await peer.end('SIGKILL')
}

export function inProcess(): Peer {
  return new Peer(fork(script, { serialization: 'advanced' }))
}

export function inThread(): Peer {
  return new Peer(new Worker(script))
}

/** A peer that has attached. */
export async function readerOf(
  arena: SharedArena,
  start = inProcess,
): Promise<{ peer: Peer; lender: ArenaLender }> {
  const lender = arena.lender()
  const peer = start()
  assert.is(await peer.ask('attach', lender.ticket), undefined)
  return { peer, lender }
}
