/**
 * `npm run vandal -- --seed S --seconds T`: a ring whose control words and entries a third thread spoils while two talk
 * over it. What arrives is what some moment of the memory says, or the channel ends with an error of ours: nothing
 * else is thrown, nothing crashes and nothing hangs. Exit code 1 when something did.
 */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { isOutbandError } from '../../src/index.js'
import { connectRing, createRing } from '../../src/ring/index.js'

/** Bytes in front of each ring's entries. */
export const CONTROL_BYTES = 192
/** Word of the vandal's control: 1 asks it to stop, 2 says that it has; the next counts what it wrote. */
export const STOP = 0

export interface Spoiling {
  readonly memory: SharedArrayBuffer
  readonly control: Int32Array
  readonly seed: number
}

export interface Ledger {
  seed: number
  rings: number
  /** Values that arrived. */
  values: number
  writes: number
  /** How channels ended, by code; 'alive' when they were ended from here. */
  readonly ends: Record<string, number>
  readonly foreign: string[]
}

/** How long a ring is spoilt at most. */
const EPISODE_MS = 60
/** A channel that has nothing to do is not asked for anything; one that hangs would never end when it is aborted. */
const PATIENCE_MS = 20_000

/** Spoils one ring after the other for so long. */
export async function vandalise(seed: number, seconds: number): Promise<Ledger> {
  const ledger: Ledger = { seed, rings: 0, values: 0, writes: 0, ends: {}, foreign: [] }
  const [flood, vandal] = await Promise.all([start('flood'), start('vandal')])
  const note = (error: Error) => ledger.foreign.push(String(error.stack))
  process.on('uncaughtException', note)
  for (const worker of [flood, vandal]) worker.on('error', note)
  const end = performance.now() + seconds * 1000
  try {
    // Where the machine is busy it takes longer until something is seen.
    while ((performance.now() < end || !isTelling(ledger)) && ledger.foreign.length === 0) {
      await episode(flood, vandal, seed + ledger.rings, ledger)
      ledger.rings++
    }
  } finally {
    await Promise.all([flood.terminate(), vandal.terminate()])
    process.off('uncaughtException', note)
  }
  return ledger
}

/** Whether values came and channels were spoilt. */
function isTelling({ rings, values, ends }: Ledger): boolean {
  return rings > 5 && values > 0 && Object.keys(ends).some(code => code !== 'alive')
}

async function start(role: string): Promise<Worker> {
  const worker = new Worker(new URL('vandal.js', import.meta.url), { workerData: { role } })
  await once(worker, 'message')
  return worker
}

async function episode(flood: Worker, vandal: Worker, seed: number, ledger: Ledger): Promise<void> {
  const [here, there] = createRing({ capacity: seed % 2 === 0 ? 4096 : 65_536 })
  const control = new Int32Array(new SharedArrayBuffer(8))
  const channel = connectRing<unknown>(here)
  const closed = channel.closed.then(
    () => 'closed',
    error => (isOutbandError(error) ? error.code : `foreign: ${error}`),
  )
  channel.on('message', () => ledger.values++)
  flood.postMessage(there, [there.port])
  vandal.postMessage({ memory: here.memory, control, seed } satisfies Spoiling)
  const timer = setTimeout(() => channel.abort(), EPISODE_MS)
  const sending = send(channel)
  const hung = new Promise<string>(resolve => setTimeout(resolve, PATIENCE_MS, 'foreign: hung').unref())
  let code = await Promise.race([closed, hung])
  clearTimeout(timer)
  const thrown = await Promise.race([sending, hung])
  if (thrown !== undefined) ledger.foreign.push(thrown)
  if (code === 'CLOSED') code = 'alive'
  if (code.startsWith('foreign')) ledger.foreign.push(code)
  ledger.ends[code] = (ledger.ends[code] ?? 0) + 1
  Atomics.store(control, STOP, 1)
  Atomics.notify(control, STOP)
  await Atomics.waitAsync(control, STOP, 1).value
  ledger.writes += control[STOP + 1]!
}

/** Sends until the channel ends; what else than that is thrown. */
async function send(channel: ReturnType<typeof connectRing>): Promise<string | undefined> {
  try {
    for (let i = 0; ; i++) {
      await channel.send({ i, array: new Uint8Array(i % 2000) })
      if (i % 20 === 19) await new Promise(resolve => setImmediate(resolve))
    }
  } catch (error) {
    return isOutbandError(error) ? undefined : `foreign: ${(error as Error).stack}`
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { seed: { type: 'string', default: '1' }, seconds: { type: 'string', default: '30' } },
  })
  const ledger = await vandalise(Number(values.seed), Number(values.seconds))
  console.log(JSON.stringify({ ...ledger, node: process.version }))
  process.exitCode = ledger.foreign.length === 0 ? 0 : 1
}
