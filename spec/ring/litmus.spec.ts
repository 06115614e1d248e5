/** What two real threads see of each other: only what the model allows. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { RingWriter, ringMemory } from '../../src/memory/ring.js'
import { type Task, type Try, tally, WORDS } from './litmus.js'

const litmus = suite('ring: what two threads see')

/** Each leaves somebody behind: nobody is woken who sleeps, nobody is told who saw no room. */
const rows: [what: Try, never: string, allowed: string[]][] = [
  ['sleep', 'wakes nobody, sleeps', ['wakes, sleeps', 'wakes, stays awake', 'wakes nobody, stays awake']],
  [
    'room',
    'sees no room, tells nobody',
    ['sees no room, tells', 'sees room, tells', 'sees room, tells nobody'],
  ],
]
for (const [what, never, allowed] of rows) {
  litmus(`${what}: never '${never}'`, async () => {
    const task: Task = {
      what,
      memory: ringMemory(64),
      control: new Int32Array(new SharedArrayBuffer(4 * WORDS)),
    }
    const worker = new Worker(new URL('litmus.js', import.meta.url), { workerData: task })
    const exit = once(worker, 'exit')
    await once(worker, 'message')
    const found = tally(new RingWriter(task.memory), task, 20_000, 700)
    await exit
    assert.ok(Object.keys(found).length > 0)
    for (const outcome of Object.keys(found)) assert.ok(allowed.includes(outcome), JSON.stringify(found))
  })
}

litmus.run()
