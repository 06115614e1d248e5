/**
 * The process that removes named segments once the thread that made them has ended, however it did: what keeps the other
 * end of its pipe open is that thread alone. As Python's resource tracker; one for each thread that makes names.
 *
 *      + identity name       made
 *      - identity name       unlinked
 *
 * It is a process group of its own, so that neither Ctrl-C nor a kill of the owner's group ends it, and costs what an idle
 * Node does. Where none can be started (Node's permission model, no descriptors left), a dead owner's segments wait for the next
 * sweep, or for a watcher that starts with a later name.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { FOLDER } from './names.js'
import type { Owned } from './owned.js'

/** Arguments that make a Node a watcher. In a bundle there is no file beside this one, and the program's text has to do. */
function program(): readonly string[] {
  const place = import.meta.url as string | undefined
  const file = place?.startsWith('file:') && fileURLToPath(new URL('./watcher-process.js', place))
  return file && existsSync(file) ? [file] : ['-e', TEXT]
}

/** `watcher-process.ts` for Linux, without what needs koffi: a name of which it has not heard yet waits for the next sweep. */
const TEXT = `// outband: removes the shared memory of an owner that has ended
const { lstatSync, unlinkSync } = require('node:fs')
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
const left = new Map()
const lines = require('node:readline').createInterface({ input: process.stdin })
lines.on('line', line => {
  const [sign, identity, name] = line.split(/ (.*?) (.*)/s)
  if (sign === '+') left.set(identity, name)
  else left.delete(identity)
})
lines.on('close', () => {
  for (const [identity, name] of left) {
    try {
      const { dev, ino } = lstatSync('${FOLDER}' + name, { bigint: true })
      if (dev + ':' + ino === identity) unlinkSync('${FOLDER}' + name)
    } catch {}
  }
})
`

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
      this.#process = spawn(process.execPath, program(), {
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
    this.#process.on('error', ended)
    this.#process.on('exit', ended)
    const pipe = this.#process.stdin as Socket | null | undefined
    if (!pipe) {
      // It cannot start for want of descriptors, which 'error' tells later.
      ended()
      return
    }
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
