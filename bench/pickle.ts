/**
 * The pickle format beside CPython's own pickle, on the same objects in the same run, and beside the package pickleparser,
 * which reads. Run it by hand: `node --expose-gc dist/bench/pickle.js`.
 *
 * A document is written by us, loaded by a Python, written again by it, and what it wrote is read by everyone. Python times
 * itself, while we wait; so nobody is timed while another works. `times` is how often a turn repeats a call.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Parser } from 'pickleparser'
import { workload } from '../fixtures/workloads.js'
import { pickle } from '../src/formats/pickle/index.js'
import { decode, encode } from '../src/index.js'

const DOCUMENTS = [
  'rpc',
  'records',
  'cars',
  'movies',
  'earthquakes',
  'football',
  'budget',
  'us-10m',
  'tensor-1MiB',
]
const ROUNDS = 9
const TURN_MS = 20
const { gc } = globalThis as { gc?: () => void }

interface Answer {
  readonly 'loads ours': number
  readonly loads: number
  readonly dumps: number
  readonly bytes: number
}

/** A Python that times what it is asked. */
class Clock {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor() {
    const script = fileURLToPath(new URL('../../fixtures/python/time_pickle.py', import.meta.url))
    this.#child = spawn(process.env.PYTHON ?? 'python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  async ask(path: string, times: number): Promise<Answer> {
    this.#child.stdin!.write(`${JSON.stringify({ path, times })}\n`)
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('no Python, or one without what the document needs')
    return JSON.parse(value) as Answer
  }

  end(): void {
    this.#child.stdin!.end()
  }
}

/** Nanoseconds a call: the median of rounds, after as many to get warm. */
function timed(run: () => unknown): number {
  let times = 1
  const once = (): number => {
    const start = performance.now()
    for (let i = 0; i < times; i++) run()
    return performance.now() - start
  }
  for (let i = 0; i < ROUNDS; i++) {
    const ms = once()
    if (ms < TURN_MS) times = Math.ceil((times * TURN_MS) / Math.max(ms, 0.01))
  }
  gc?.()
  const rounds = Array.from({ length: ROUNDS }, () => (once() * 1e6) / times).sort((a, b) => a - b)
  return rounds[ROUNDS >> 1]!
}

/** What pickleparser takes, or nothing when it takes it not. */
function parsed(bytes: Uint8Array): number | undefined {
  try {
    new Parser().parse(bytes)
  } catch {
    return undefined
  }
  return timed(() => new Parser().parse(bytes))
}

const columns = ['encode', 'dumps', 'decode', 'loads', 'pickleparser', 'bytes', 'CPython’s']
console.log(
  `µs; dumps and loads are CPython’s\n${''.padEnd(14)}${columns.map(name => name.padStart(14)).join('')}`,
)
const folder = mkdtempSync(join(tmpdir(), 'outband-bench-'))
const clock = new Clock()
try {
  for (const name of DOCUMENTS) {
    const value = await workload(name).make()
    const options = { format: pickle, threshold: Number.POSITIVE_INFINITY }
    const path = join(folder, `${name}.pkl`)
    const { meta } = encode(value, options)
    writeFileSync(path, meta)
    const encodeNs = timed(() => encode(value, options))
    const theirs = await clock.ask(path, Math.max(1, Math.round((TURN_MS * 1e6) / encodeNs)))
    const bytes = new Uint8Array(readFileSync(path))
    const packet = { meta: bytes, buffers: [] }
    const decodeNs = timed(() => decode(packet, { format: pickle }))
    const us = (ns: number | undefined): string =>
      (ns === undefined ? 'no' : (ns / 1000).toFixed(1)).padStart(14)
    const cells = [encodeNs, theirs.dumps, decodeNs, theirs.loads, parsed(bytes)].map(us)
    const sizes = [meta.length, theirs.bytes].map(size => String(size).padStart(14))
    console.log(`${name.padEnd(14)}${[...cells, ...sizes].join('')}`)
  }
} finally {
  clock.end()
  rmSync(folder, { recursive: true })
}
