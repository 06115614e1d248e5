// Instructions for one operation of ours: what a machine that is busy with other things does not change. Each is counted in
// fresh processes of one thread, by the processor's counters (perf) where they can be had, else by callgrind. Two runs
// differ only in how often they repeat the operation, so that start, compilation and warm-up cancel.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Instructions {
  readonly workload: string
  readonly op: 'encode' | 'decode'
  /** For one operation. */
  readonly instructions: number
  /** What counted. */
  readonly by: string
}

interface Counter {
  readonly name: string
  readonly command: readonly string[]
  /** Instructions in what it prints on stderr; undefined when there are none. */
  read(output: string): number | undefined
}

const REPEAT = fileURLToPath(new URL('./repeat.js', import.meta.url))
/** Neither threads nor chance: two equal runs differ by a few thousand instructions in a thousand millions. */
const FLAGS = ['--single-threaded', '--predictable', '--hash-seed=1', '--random-seed=1']
/** Repetitions of both runs: enough that the first has compiled all. */
const PLAN = [
  { workload: 'rpc', less: 20_000, more: 30_000 },
  { workload: 'records', less: 800, more: 1200 },
  { workload: 'tensor-64KiB', less: 20_000, more: 30_000 },
] as const

export const COUNTERS: readonly Counter[] = [
  {
    name: 'perf',
    command: ['perf', 'stat', '-x', ',', '-e', 'instructions:u'],
    // `<not supported>` stands where the number would be.
    read: output => numberIn(/^(\d+),[^,]*,instructions:u/m, output),
  },
  {
    name: 'callgrind',
    // V8 writes code while it runs.
    command: ['valgrind', '--tool=callgrind', '--smc-check=all-non-file', '--callgrind-out-file=/dev/null'],
    read: output => numberIn(/Collected : (\d+)/, output),
  },
]

function numberIn(pattern: RegExp, output: string): number | undefined {
  const found = pattern.exec(output)?.[1]
  return found === undefined ? undefined : Number(found)
}

/** The first that can count here. */
export async function findCounter(counters = COUNTERS): Promise<Counter | undefined> {
  for (const counter of counters) {
    if ((await counted(counter, [process.execPath, '--version'])) !== undefined) return counter
  }
  return undefined
}

/** Counts one workload after the other; `onStep` hears what is counted next. */
export async function countInstructions(
  counter: Counter,
  onStep: (what: string) => void,
): Promise<Instructions[]> {
  const found: Instructions[] = []
  for (const { workload, less, more } of PLAN) {
    const total = (encodes: number, decodes: number) => {
      onStep(workload)
      const command = [process.execPath, ...FLAGS, REPEAT, workload, String(encodes), String(decodes)]
      return counted(counter, command)
    }
    const base = await total(less, less)
    const totals = { encode: await total(more, less), decode: await total(less, more) }
    for (const op of ['encode', 'decode'] as const) {
      const instructions = Math.round(((totals[op] ?? Number.NaN) - (base ?? Number.NaN)) / (more - less))
      if (!Number.isNaN(instructions)) found.push({ workload, op, instructions, by: counter.name })
    }
  }
  return found
}

/** Runs a command under a counter; undefined when that is not there, or does not count. */
async function counted({ command: [program, ...args], read }: Counter, command: readonly string[]) {
  const child = spawn(program!, [...args, ...command], { stdio: ['ignore', 'ignore', 'pipe'] })
  let output = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    output += text
  })
  const [code] = await once(child, 'close').catch(() => [-1])
  return code === 0 ? read(output) : undefined
}
