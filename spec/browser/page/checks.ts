/** The checks of a page: declared in suites, run one after the other, and left on the page for whoever drives it. */

import { dom } from './dom.js'

/** What became of a check. */
export interface Outcome {
  readonly suite: string
  readonly name: string
  /** Message and stack. */
  readonly error?: string
  /** Why it says nothing here. */
  readonly skipped?: string
  readonly ms: number
}

/** What the page says on its console, as JSON behind this mark. */
export const MARK = 'outband checks '
export interface Report {
  readonly outcomes: readonly Outcome[]
  /** The check that takes long just now. */
  readonly runs?: string
  readonly isDone: boolean
}

/** What is posted there, the site sends back. */
export const ECHO = '/echo'
/** And there it takes reports, of a page that is asked for them by `?reports`: of browsers that nobody drives. */
export const REPORTS = '/reports'

/** The check that is passed over where a page must not make code from strings. */
export const CAN_EVAL = 'code may be made from strings'

type Run = () => unknown
/** Much longer than anything here takes on a machine that is slow, and busy with something else. */
const LIMIT_MS = 60_000

const declared: { suite: string; name: string; run: Run; limitMs: number | undefined }[] = []

class Skipped extends Error {}

/** Ends a check that makes no sense here. */
export function skip(reason: string): never {
  throw new Skipped(reason)
}

/** Ends a check that moves a stream where the engine has none that can be moved (WebKit). */
export function needMovableStreams(): void {
  const stream = new ReadableStream()
  try {
    structuredClone(stream, { transfer: [stream as never] })
  } catch {
    skip('this browser moves no streams')
  }
}

export function suite(name: string): (check: string, run: Run, limitMs?: number) => void {
  return (check, run, limitMs) => {
    declared.push({ suite: name, name: check, run, limitMs })
  }
}

const REPORT_MS = 100
let told = performance.now()
let untold: Outcome[] = []

/** Runs what was declared. */
export async function runAll(): Promise<void> {
  for (const { suite, name, run, limitMs } of declared) {
    const start = performance.now()
    if (start - told > REPORT_MS) tell({ runs: `${suite}: ${name}`, isDone: false })
    const outcome = await outcomeOf(run, limitMs)
    untold.push({ suite, name, ...outcome, ms: performance.now() - start })
  }
  tell({ isDone: true })
}

let posted: Promise<unknown> = Promise.resolve()

/** On the console: a global would be seen by the checks that look for new globals. In bulk: each line costs 2 ms. */
function tell(report: Omit<Report, 'outcomes'>): void {
  const body = JSON.stringify({ ...report, outcomes: untold } satisfies Report)
  const isPosted = new URL(dom.location.href).searchParams.has('reports')
  if (!isPosted) console.debug(MARK + body)
  // One after the other: the last one ends it.
  else posted = posted.then(() => fetch(REPORTS, { method: 'POST', body }))
  untold = []
  told = performance.now()
}

async function outcomeOf(
  run: Run,
  limitMs: number | undefined,
): Promise<{ error?: string; skipped?: string }> {
  try {
    const result = run()
    if (result instanceof Promise) await inTime(result, limitMs)
    return {}
  } catch (error) {
    if (error instanceof Skipped) return { skipped: error.message }
    return { error: textOf(error) }
  }
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { name, message, stack = '' } = error
  const { details } = error as { details?: string | false }
  const text = `${name}: ${message}${details ? `\n${details}` : ''}`
  return `${text}\n${stack.slice(Math.max(0, stack.indexOf('\n    at ')))}`
}

/** What was promised, or an error once it takes too long: a check that hangs must not hide those behind it. */
export function inTime<T>(promise: Promise<T>, ms = LIMIT_MS, what = 'nothing happened'): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} for ${ms} ms`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
