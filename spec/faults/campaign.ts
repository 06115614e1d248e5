/** A campaign of faults: trials one after the other in a process of their own, another one whenever that dies. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Find, KINDS, type Kind } from './kinds.js'
import type { Planted } from './plants.js'

/** What a worker is to do. */
export interface Job {
  readonly seed: number
  /** The first trial. */
  readonly from: number
  /** Whichever comes first. */
  readonly trials: number
  readonly seconds: number
  /** A pattern for the names of rows. */
  readonly filter: string
  readonly plant: Planted
  readonly isShort: boolean
}

/** A trial that begins, and, with what came of it, one that is over. */
export interface Report {
  readonly number: number
  readonly name: string
  readonly finds?: readonly Find[]
  readonly tried?: number
  readonly delivered?: number
  readonly rejected?: number
  /** Bytes of buffers more than after the first trial. */
  readonly kept?: number
  readonly ms?: number
}

export interface Found extends Omit<Find, 'kind'> {
  readonly kind: Kind | 'crashes'
  readonly number: number
  readonly name: string
}

/** Messages, and finds by their kind. */
export interface Ledger extends Record<Kind | 'crashes', number> {
  seed: number
  seconds: number
  trials: number
  tried: number
  delivered: number
  rejected: number
  /** Bytes of buffers that were left after a trial, at most. */
  mostKept: number
  /** How often each row was tried. */
  rows: Record<string, number>
  finds: Found[]
}

const WORKER = fileURLToPath(new URL('worker.js', import.meta.url))
/** A worker that says nothing for so long hangs; a trial's own patience is less. */
const SILENCE_MS = 180_000

export async function campaign(
  job: Partial<Job> & Pick<Job, 'seed'>,
  tell: (report: Report) => void = () => {},
): Promise<Ledger> {
  const {
    seed,
    from = 0,
    trials = 2 ** 30,
    seconds = 2 ** 20,
    filter = '',
    plant = 'nothing',
    isShort = false,
  } = job
  const zeros = Object.fromEntries(KINDS.map(kind => [kind, 0])) as Record<Kind, number>
  const sums = { trials: 0, tried: 0, delivered: 0, rejected: 0, mostKept: 0 }
  const ledger: Ledger = { seed, seconds: 0, ...sums, ...zeros, crashes: 0, rows: {}, finds: [] }
  const start = performance.now()
  const take = (report: Report): void => {
    tell(report)
    const { number, name, finds, tried = 0, delivered = 0, rejected = 0, kept = 0 } = report
    if (finds === undefined) return
    ledger.trials++
    ledger.tried += tried
    ledger.delivered += delivered
    ledger.rejected += rejected
    ledger.rows[name] = (ledger.rows[name] ?? 0) + 1
    for (const find of finds) {
      ledger[find.kind]++
      ledger.finds.push({ number, name, ...find })
    }
    ledger.mostKept = Math.max(ledger.mostKept, kept)
  }
  let next = from
  for (;;) {
    const spent = (performance.now() - start) / 1000
    if (next >= from + trials || spent >= seconds) break
    const rest = { from: next, trials: from + trials - next, seconds: seconds - spent }
    const { last, death } = await work({ seed, filter, plant, isShort, ...rest }, take)
    next = last.number + 1
    if (death === undefined) break
    ledger.crashes++
    ledger.finds.push({ kind: 'crashes', number: last.number, name: last.name, what: death })
  }
  ledger.seconds = (performance.now() - start) / 1000
  return ledger
}

/** One worker: its last report, and of what it died. */
function work(
  job: Job,
  take: (report: Report) => void,
): Promise<{ last: Report; death: string | undefined }> {
  const worker = spawn(process.execPath, [WORKER, JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let last: Report = { number: job.from, name: '' }
  let [out, errors] = ['', '']
  let timer: NodeJS.Timeout | undefined
  const watch = () => {
    clearTimeout(timer)
    timer = setTimeout(() => worker.kill('SIGKILL'), SILENCE_MS)
  }
  watch()
  worker.stdout.setEncoding('utf8').on('data', (text: string) => {
    watch()
    const lines = (out + text).split('\n')
    out = lines.pop()!
    for (const line of lines) {
      last = JSON.parse(line) as Report
      take(last)
    }
  })
  worker.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  return new Promise(resolve => {
    worker.on('close', (code, signal) => {
      clearTimeout(timer)
      const isDead = code !== 0 || errors !== ''
      resolve({ last, death: isDead ? `${code ?? signal}: ${errors.slice(0, 2000)}` : undefined })
    })
  })
}
