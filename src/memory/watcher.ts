/**
 * The process that removes named segments once the thread that made them has ended, however it did: what keeps the other
 * end of its pipe open is that thread alone. As Python's resource tracker; one for each thread that makes names.
 *
 *      + identity name       made
 *      - identity name       unlinked
 *
 * It is a process group of its own, so that neither Ctrl-C nor a kill of the owner's group ends it, and costs what an idle
 * Node does. Where none can be started (Node's permission model), a dead owner's segments wait for the next sweep.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Owned } from './owned.js'

const script = fileURLToPath(new URL('./watcher-process.js', import.meta.url))

/** What Node has in a socket and does not say. */
interface Piped {
  readonly _handle?: { setBlocking?(isBlocking: boolean): void } | null
}

/** The owner's end. */
export class Watcher {
  #process: ChildProcess | undefined

  constructor() {
    // Nothing that belongs to the owner's own start: loaders, inspectors, coverage.
    const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, ...env } = process.env
    try {
      this.#process = spawn(process.execPath, [script], {
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
        cwd: '/',
        env,
      })
    } catch {
      return
    }
    const ended = () => {
      this.#process = undefined
    }
    const pipe = this.#process.stdin as Socket
    this.#process.on('error', ended)
    this.#process.on('exit', ended)
    pipe.on('error', ended)
    // The system keeps some 280 lines for who has not read them; further ones would wait in this process, and die with it.
    // So whoever makes more before the watcher has started waits for it.
    ;(pipe as Piped)._handle?.setBlocking?.(true)
    // Neither keeps the owner from ending.
    this.#process.unref()
    pipe.unref()
  }

  get isAlive(): boolean {
    return this.#process !== undefined
  }

  /** What is written is in the pipe when this returns, and is read even if the owner dies next. */
  add(segment: Owned): void {
    this.#tell('+', segment)
  }

  delete(segment: Owned): void {
    this.#tell('-', segment)
  }

  #tell(sign: string, { identity, name }: Owned): void {
    this.#process?.stdin?.write(`${sign} ${identity} ${name}\n`)
  }
}
