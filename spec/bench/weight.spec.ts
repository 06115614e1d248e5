/** Meters against what is known: memory that is allocated, memory that becomes resident, time of processors. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loop } from '../../bench/contestant.js'
import { cpuNs, cpuOf, threadNumber } from '../../bench/cpu.js'
import { allocated, weigh } from '../../bench/weight.js'
import { until } from '../carriers/inbox.js'

const isLinux = process.platform === 'linux'
const MIB = 2 ** 20

/** Bytes of one operation on this machine, and what is done: with and without collections in between. */
const rows: readonly (readonly [name: string, bytes: number, times: number, work: () => unknown])[] = [
  ['ArrayBuffers of 1 KiB', 1024, 20_000, () => new ArrayBuffer(1024)],
  ['ArrayBuffers of 1 MiB', MIB, 100, () => new ArrayBuffer(MIB)],
  ['Buffers of 100 kB', 100_000, 1000, () => Buffer.allocUnsafeSlow(100_000)],
  // 100 numbers of eight bytes and two heads.
  ['arrays of 100 numbers', 848, 100_000, () => new Array(100).fill(1.5)],
]

/** On a busy machine V8's own threads compile, and give memory back, at any time: what is wrong is wrong every time. */
const TRIES = 5

/** What the first trial that is right comes to, or the last. */
async function tried(trial: () => Promise<number>, isRight: (found: number) => boolean): Promise<number> {
  let found = await trial()
  for (let i = 1; i < TRIES && !isRight(found); i++) found = await trial()
  return found
}

const meter = suite('bench: allocation')

for (const [name, bytes, times, work] of rows) {
  meter(`${name} weigh what they have`, async () => {
    const run = loop(work)
    run(times)
    const found = (await allocated(() => run(times))) / times
    assert.ok(found >= bytes && found <= 1.1 * bytes + 300, `${found} of ${bytes}`)
  })
}

meter('nothing weighs nothing', async () => {
  const isNothing = (bytes: number) => Math.abs(bytes) < 100_000
  const found = await tried(() => allocated(() => {}), isNothing)
  assert.ok(isNothing(found), String(found))
})

meter('what a promise takes is weighed until it is kept', async () => {
  const kept: unknown[] = []
  const later = async () => {
    await undefined
    kept.push(new ArrayBuffer(10 * MIB))
  }
  const found = await allocated(later)
  assert.ok(found >= 10 * MIB && found < 11 * MIB, String(found))
})

const peak = isLinux ? meter : meter.skip
peak('a peak is what was resident at once, and not what was there before', async () => {
  const before = new Uint8Array(64 * MIB).fill(1)
  const run = loop(() => new Uint8Array(32 * MIB).fill(1))
  const isAll = (bytes: number) => bytes >= 31 * MIB
  const peakBytes = await tried(async () => (await weigh(run)).peakBytes ?? 0, isAll)
  assert.is(before.length, 64 * MIB)
  assert.ok(isAll(peakBytes), String(peakBytes))
  assert.ok(peakBytes < 1024 * MIB, String(peakBytes))
})

const clock = suite('bench: time of processors')
const linuxClock = isLinux ? clock : clock.skip

function spin(ms: number): void {
  const start = cpuNs({ pid: process.pid })!
  while (cpuNs({ pid: process.pid })! - start < ms * 1e6);
}

linuxClock('a thread has what it worked, and its process no less', () => {
  const thread = { pid: process.pid, tid: threadNumber() }
  // The process's clock is read before the thread's and after it: the machine may stop in between.
  const all = cpuNs({ pid: process.pid })!
  const mine = cpuNs(thread)!
  let worked = 0
  for (let i = 0; worked < 50e6 && i < 1000; i++) {
    spin(1)
    worked = cpuNs(thread)! - mine
  }
  assert.ok(worked >= 50e6, String(worked))
  const total = cpuNs({ pid: process.pid })! - all
  assert.ok(worked < total + 20e6, `${worked} of ${total}`)
})

linuxClock('another process has its own, and none when it is gone', async () => {
  const child = spawn(process.execPath, ['-e', 'for (;;);'])
  const side = { pid: child.pid! }
  await until(() => (cpuNs(side) ?? 0) > 50e6, 'the child works')
  const { here, there } = cpuOf({ there: side })
  assert.ok(here! > 0 && there! > 50e6)
  child.kill('SIGKILL')
  await once(child, 'close')
  assert.is(cpuNs(side), undefined)
  assert.is(cpuOf({ there: side }).there, undefined)
})

meter.run()
clock.run()
