/** A child process as its carrier sees it: whether it has ended and how, and how it is made to. */
import type { ChildProcess } from 'node:child_process'
import { OutbandError, timerMs } from '../../errors.js'

/** How a process ended: by itself, with a code, or by a signal. */
export interface Exit {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

/**
 * Sends a signal to a child that was started; false where there is none. Node would send it to a child that was not, whose
 * number is 0 or −1 for the system, and so to this process and its kin.
 */
export function signalTo(process: ChildProcess, signal: NodeJS.Signals | number = 'SIGTERM'): boolean {
  return process.pid !== undefined && process.kill(signal)
}

export class Child {
  readonly process: ChildProcess
  /** Resolves when the process has ended; rejects with PEER_GONE where it could not be started. Never unhandled. */
  readonly exited: Promise<Exit>
  #exit: Exit | undefined
  #failure: OutbandError | undefined
  #isStopping = false

  constructor(process: ChildProcess) {
    this.process = process
    this.exited = new Promise((resolve, reject) => {
      process.once('exit', (exitCode, signal) => {
        this.#exit = { exitCode, signal }
        resolve(this.#exit)
      })
      // Without a listener any of them would end this process.
      process.on('error', cause => {
        if (process.pid !== undefined) return
        this.#failure = new OutbandError('PEER_GONE', `process: cannot start: ${cause.message}`, { cause })
        reject(this.#failure)
      })
    })
    this.exited.catch(() => {})
  }

  /** Whether it has ended, or never began. */
  get isOver(): boolean {
    return (this.#exit ?? this.#failure) !== undefined
  }

  /** Whether it runs, or has ended with 0. */
  get isWell(): boolean {
    return this.#failure === undefined && (this.#exit === undefined || this.#exit.exitCode === 0)
  }

  /** Resolves when it is over, at the latest after so long; 0: however long that takes. */
  async over(ms: number): Promise<void> {
    if (this.isOver) return
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>(resolve => {
      if (ms > 0) timer = setTimeout(resolve, timerMs(ms))
    })
    const end = this.exited.then(
      () => {},
      () => {},
    )
    await Promise.race([end, late])
    clearTimeout(timer)
  }

  /** SIGTERM, and SIGKILL unless that has helped in time; 0: SIGTERM alone. */
  stop(graceMs: number): void {
    if (this.isOver || this.#isStopping) return
    this.#isStopping = true
    signalTo(this.process)
    if (graceMs === 0) return
    const timer = setTimeout(() => signalTo(this.process, 'SIGKILL'), timerMs(graceMs))
    // The process itself is the reason to wait, unless it was said to be none.
    timer.unref()
    this.process.once('exit', () => clearTimeout(timer))
  }

  /** What a channel says that has lost its child, as far as is known how. */
  lost(cause: unknown): OutbandError {
    if (this.#failure !== undefined) return this.#failure
    const { exitCode = null, signal = null } = this.#exit ?? {}
    return new OutbandError('PEER_GONE', `process: the child ${this.#fate()}`, {
      ...(exitCode === null ? {} : { exitCode }),
      ...(signal === null ? {} : { signal }),
      ...(cause === undefined ? {} : { cause }),
    })
  }

  #fate(): string {
    if (this.#exit === undefined) return 'has left the channel without a goodbye, and lives on'
    const { exitCode, signal } = this.#exit
    if (signal !== null) return `is gone: signal ${signal}`
    return `is gone${exitCode === 0 ? ' without a goodbye' : ''}: exit code ${exitCode}`
  }
}
