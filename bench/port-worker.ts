// The far side of ports.ts: counts what arrives, or sends it back.

import { parentPort, workerData } from 'node:worker_threads'
import type { RingEnd } from '../src/ring/index.js'
import { threadNumber } from './cpu.js'
import { listByHand } from './list-by-hand.js'

/** How a thread takes in what comes. */
export type Home = 'raw' | 'wrapped' | 'channel' | 'ring' | 'msgpackr' | 'comlink'

interface Task {
  readonly home: Home
  readonly control: Int32Array
  readonly end: RingEnd
}

/** Words of the shared control: arrivals, how many are expected, whether they came, whether all is sent back, and who counts. */
export const ARRIVED = 0
export const TARGET = 1
export const DONE = 2
export const MODE = 3
export const THREAD = 4
export const WORDS = 5

if (parentPort !== null && workerData !== null && 'home' in workerData) {
  await open(workerData as Task, parentPort)
}

async function open({ home, control, end }: Task, parent: NonNullable<typeof parentPort>): Promise<void> {
  let arrived = 0
  Atomics.store(control, THREAD, threadNumber())
  /** Counts an arrival; true when it is to be sent back. */
  const take = (): boolean => {
    if (control[MODE] === 1) return true
    if (++arrived < Atomics.load(control, TARGET)) return false
    arrived = 0
    Atomics.store(control, DONE, 1)
    Atomics.notify(control, DONE)
    return false
  }
  if (home === 'raw') {
    const listOf = listByHand()
    parent.on('message', value => {
      if (take()) parent.postMessage(value, listOf(value))
    })
  } else if (home === 'wrapped') {
    const { wrapPort } = await import('../src/port/index.js')
    const port = wrapPort(parent)
    port.on('message', value => {
      if (take()) port.postMessage(value, { transfer: true })
    })
  } else if (home === 'channel' || home === 'ring') {
    const { connectPort } = await import('../src/port/index.js')
    const { connectRing } = await import('../src/ring/index.js')
    const channel = home === 'ring' ? connectRing(end) : connectPort(parent)
    channel.on('message', value => {
      if (take()) void channel.send(value, { transfer: true })
    })
  } else if (home === 'msgpackr') {
    const { Packr } = await import('msgpackr')
    const packr = new Packr({ structuredClone: true, moreTypes: true })
    parent.on('message', bytes => {
      const value = packr.unpack(bytes)
      if (take()) parent.postMessage(packr.pack(value))
    })
  } else {
    const Comlink = await import('comlink')
    // @ts-expect-error: declared for its other file names only
    const { default: nodeEndpoint } = await import('comlink/dist/esm/node-adapter.mjs')
    const api = { take: (value: unknown) => (take() ? Comlink.transfer(value as object, []) : undefined) }
    Comlink.expose(api, nodeEndpoint(parent))
  }
}
