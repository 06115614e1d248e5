/**
 * The whole suite: every spec in a process of its own, a few at a time, the long ones first.
 * So no spec inherits another's memory or timers, and one that hangs is named. The last lines are totals in uvu's form.
 * `node dist/spec/run.js [PATTERN]`; with `--times` it says how long each took, with `--all` it takes what `npm test` leaves out too.
 * Flags of Node's are handed on: the suite must also pass under `--disallow-code-generation-from-strings`.
 */
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { canEval } from './eval.js'
import { folder, specsLike } from './paths.js'

const one = join(folder, 'one.js')
const PATIENCE_MS = 500_000
/** What waits most of its time, for peers and timers: one after the other, beside what computes. The longest first. */
const WAITING = [
  /^faults/,
  /^process\/process/,
  /^socket\/connect/,
  /^socket\/peers/,
  /^socket\/serve/,
  /^port\/as-raw/,
  /^browser\/bench/,
  /^websocket\/(?:hostile|underway)/,
]
/** What takes longest of the rest begins first, so that nobody waits for it at the end. */
const LONG = [
  /^browser\/browser/,
  /^hostile/,
  /^cli/,
  /^shm\/channel/,
  /^alive/,
  /^pickle\/hostile/,
  /^process/,
  /^carriers/,
  /^fidelity/,
  /^port/,
  /^streams\/(?:fetch|hostile|values)/,
  /^file/,
  /^formats/,
  /^ring/,
]

/** What is long, and no other matter without code generation, is for `npm run test:noeval` alone, unless it is asked for. */
const ONCE = [
  /^alive/,
  /^arena\/processes/,
  /^bench\/run/,
  /^brokers/,
  /^carriers\/(?:ring|websocket)/,
  /^faults/,
  /^file\/(?:damage|kill|log-damage|peak)/,
  /^formats\/(?:hostile|index-keys|small-items)/,
  /^fuzz/,
  /^inspect/,
  /^pickle\/hostile/,
  /^port\/terminate/,
  /^process\/(?:faults|programs)/,
  /^shm\/(?:channel\.|owner)/,
  /^streams\/fetch\./,
  /^websocket\/process/,
]

interface Outcome {
  readonly path: string
  readonly output: string
  readonly isGood: boolean
  readonly ms: number
  readonly total: number
  readonly passed: number
  readonly skipped: number
}

const isTimed = process.argv.includes('--times')
const isWhole = process.argv.includes('--all') || !canEval()
const pattern = new RegExp(process.argv.slice(2).find(argument => !argument.startsWith('--')) ?? '')
const paths = specsLike(pattern).filter(path => pattern.source !== '(?:)' || isWhole || !isAmong(ONCE, path))
const waiting = inOrderOf(WAITING, path => isAmong(WAITING, path))
const computing = inOrderOf(LONG, path => !isAmong(WAITING, path))
const outcomes: Outcome[] = []

function isAmong(kinds: readonly RegExp[], path: string): boolean {
  return kinds.some(kind => kind.test(path))
}

function inOrderOf(kinds: readonly RegExp[], isMeant: (path: string) => boolean): string[] {
  const rank = (path: string) => {
    const found = kinds.findIndex(kind => kind.test(path))
    return found < 0 ? kinds.length : found
  }
  return paths.filter(isMeant).sort((a, b) => rank(a) - rank(b))
}

function run(path: string): Promise<Outcome> {
  const start = performance.now()
  const exact = `^${path.replaceAll('.', '\\.')}$`
  const child = spawn(process.execPath, [...process.execArgv, one, exact], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', chunk => {
      output += chunk
    })
  }
  return new Promise(resolve => {
    const timer = setTimeout(() => {
      output += `\n${path}: not over after ${PATIENCE_MS / 1000} s\n`
      child.kill('SIGKILL')
      // What it started may hold them open.
      for (const stream of [child.stdout, child.stderr]) stream.destroy()
    }, PATIENCE_MS)
    child.once('close', code => {
      clearTimeout(timer)
      const text = plain(output)
      // uvu's are the last that a spec says.
      const count = (name: string) =>
        Number([...text.matchAll(new RegExp(`^ *${name}: +(\\d+)`, 'gm'))].at(-1)?.[1])
      const [total, passed, skipped] = [count('Total'), count('Passed'), count('Skipped')]
      // A spec may pass over all that it has; one that says nothing has not run.
      const isGood = code === 0 && passed === total && total + skipped > 0
      const ms = performance.now() - start
      // One that says nothing of itself, or ends badly after all its rows have passed, has failed in one.
      const isTold = Number.isFinite(total + passed)
      const lost = isGood || passed < total ? 0 : 1
      resolve({
        path,
        output,
        isGood,
        ms,
        total: (isTold ? total : 0) + lost,
        passed: isTold ? passed : 0,
        skipped: skipped || 0,
      })
    })
  })
}

/** Without colours. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what colours are made of
  return text.replace(/\u001b\[\d+m/g, '')
}

async function work(first: string[], then: string[]): Promise<void> {
  const next = () => first.shift() ?? then.shift()
  for (let path = next(); path !== undefined; path = next()) {
    const outcome = await run(path)
    outcomes.push(outcome)
    // uvu's own totals are of one file; those of all come at the end.
    process.stdout.write(outcome.output.replace(/\n[^\n]*Total:[\s\S]*$/, ''))
  }
}

const start = performance.now()
// One more at a time is slower: on two cores four took 359 s of the processors, three 318 (measured).
await Promise.all([
  work(waiting, computing),
  ...Array.from({ length: availableParallelism() }, () => work(computing, waiting)),
])
const bad = outcomes.filter(({ isGood }) => !isGood)
const sum = (name: 'total' | 'passed' | 'skipped') => outcomes.reduce((all, one) => all + one[name], 0)
if (isTimed) {
  const slow = outcomes.toSorted((a, b) => b.ms - a.ms).slice(0, 40)
  for (const { path, ms } of slow) console.log(`${(ms / 1000).toFixed(1).padStart(6)} s  ${path}`)
}
for (const { path } of bad) console.log(`  not good: ${path}`)
console.log(`\n  Total:     ${sum('total')}\n  Passed:    ${sum('passed')}\n  Skipped:   ${sum('skipped')}`)
console.log(`  Duration:  ${(performance.now() - start).toFixed(2)}ms\n`)
process.exitCode = bad.length === 0 && outcomes.length > 0 ? 0 : 1
