// outband demo: real data goes to a worker thread and back, then to a child process and back, by a pipe and by memory that
// both see. What went there is compared with what came back as a graph, and the bytes copied are counted by looking at whose memory the buffers lie in.

import { type ChildProcess, fork, type Serializable } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { decode, encode } from '../index.js'
import { type Wrapped, wrapPort } from '../port/index.js'
import { type ChildChannel, forkChannel } from '../process/index.js'
import { medianNs, mediansNs } from './clock.js'
import { type Difference, differences } from './compare.js'
import { readColumns, readDocument } from './datasets.js'
import { type MemoryTrip, openMemoryLeg, tripByMemory } from './demo-memory.js'
import { copiedByCodec, footprint } from './memory.js'
import { bytes, duration, type Paint, paintFor, table } from './table.js'
import { videoFrame } from './video-frame.js'

/** What one value took. Times are medians, in nanoseconds. */
export interface Passage {
  readonly value: string
  readonly metaBytes: number
  readonly buffers: number
  readonly outOfBandBytes: number
  /** Bytes of typed arrays that encode and decode copied. */
  readonly copiedBytes: number
  readonly encodeNs: number
  readonly decodeNs: number
  readonly structuredCloneNs: number
  readonly structuredCloneCopiedBytes: number
  readonly equal: boolean
  readonly differences: readonly string[]
  readonly child: Trip
  /** By memory, where it can be shared. */
  readonly memory: MemoryTrip | undefined
}

/** There and back again, to a child process. Times are medians, in nanoseconds. */
export interface Trip {
  readonly roundTripNs: number
  /** By the channel that Node gives a child, at its most faithful (`serialization: 'advanced'`). */
  readonly forkRoundTripNs: number
  readonly equal: boolean
  readonly differences: readonly string[]
}

const VALUES: readonly { readonly name: string; readonly make: () => unknown }[] = [
  { name: 'flights-200k.arrow, columns', make: () => readColumns('flights-200k.arrow') },
  { name: 'movies.json', make: () => readDocument('movies.json') },
  { name: 'earthquakes.json', make: () => readDocument('earthquakes.json') },
  { name: '1080p frame, 4:2:0', make: () => videoFrame() },
]

const CHILD = new URL('./demo-child.js', import.meta.url)

/** Runs the demo and prints it; answers whether everything came back equal. */
export async function demo({ json }: { readonly json: boolean }): Promise<boolean> {
  const values = await Promise.all(VALUES.map(async ({ name, make }) => ({ name, value: await make() })))
  const worker = wrapPort(new Worker(new URL('./demo-worker.js', import.meta.url)))
  const child = forkChannel(CHILD)
  // In a process of its own, lest one pays for the other's garbage.
  const forked = fork(CHILD, { serialization: 'advanced' })
  const leg = await openMemoryLeg()
  const passages: Passage[] = []
  try {
    for (const { name, value } of values)
      passages.push(await passage(name, value, worker, child, forked, leg.channel))
    forked.disconnect()
    await Promise.all([child.close(), leg.channel?.close()])
  } finally {
    child.kill()
    forked.kill()
    leg.channel?.kill()
    await worker.terminate()
  }
  const equal = passages.every(one => one.equal && one.child.equal && one.memory?.equal !== false)
  const report = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    equal,
    // Why no memory was shared, if none was.
    absent: leg.absent,
    values: passages,
  }
  process.stdout.write(
    json ? `${JSON.stringify(report, null, 2)}\n` : listing(passages, leg.absent, paintFor(process.stdout)),
  )
  return equal
}

type Thread = Worker & Wrapped

async function passage(
  name: string,
  value: unknown,
  worker: Thread,
  child: ChildChannel,
  forked: ChildProcess,
  sharing: ChildChannel | undefined,
): Promise<Passage> {
  const packet = encode(value)
  const found = differences(value, await trip(worker, value))
  const clone = footprint(structuredClone(value))
  return {
    value: name,
    metaBytes: packet.meta.byteLength,
    buffers: packet.buffers.length,
    outOfBandBytes: packet.buffers.reduce((sum, { byteLength }) => sum + byteLength, 0),
    copiedBytes: copiedByCodec(value, packet, decode(packet)),
    encodeNs: medianNs(() => encode(value)),
    decodeNs: medianNs(() => decode(packet)),
    structuredCloneNs: medianNs(() => structuredClone(value)),
    structuredCloneCopiedBytes: [...clone.backings].reduce((sum, { byteLength }) => sum + byteLength, 0),
    ...outcome(found),
    child: await tripToChild(child, forked, value),
    memory: sharing && (await tripByMemory(sharing, value)),
  }
}

const outcome = (found: readonly Difference[]) => ({
  equal: found.length === 0,
  differences: found.map(({ path, what }) => `${path}: ${what}`),
})

async function tripToChild(channel: ChildChannel, forked: ChildProcess, value: unknown): Promise<Trip> {
  const answers = channel[Symbol.asyncIterator]()
  const trip = async () => {
    await channel.send(value)
    const { value: back } = await answers.next()
    return back
  }
  const forkTrip = async () => {
    const answer = once(forked, 'message')
    forked.send(value as Serializable)
    await answer
  }
  const found = differences(value, await trip())
  const [roundTripNs, forkRoundTripNs] = (await mediansNs([trip, forkTrip])) as [number, number]
  return { roundTripNs, forkRoundTripNs, ...outcome(found) }
}

/** Sends a value to the worker and waits for it to come back. */
async function trip(thread: Thread, value: unknown): Promise<unknown> {
  const answer = once(thread, 'message')
  thread.postMessage(value)
  const [back] = await answer
  return back
}

function listing(passages: readonly Passage[], absent: string | undefined, paint: Paint): string {
  const columns = [
    { head: 'value' },
    { head: 'metadata', align: 'right' },
    { head: 'buffers', align: 'right' },
    { head: 'out of band', align: 'right' },
    { head: 'copied', align: 'right' },
    { head: 'encode', align: 'right' },
    { head: 'decode', align: 'right' },
    { head: 'structuredClone', align: 'right' },
    { head: 'copied', align: 'right' },
    { head: 'equal' },
  ] as const
  const rows = passages.map(one => [
    one.value,
    bytes(one.metaBytes),
    String(one.buffers),
    bytes(one.outOfBandBytes),
    bytes(one.copiedBytes),
    duration(one.encodeNs),
    duration(one.decodeNs),
    duration(one.structuredCloneNs),
    bytes(one.structuredCloneCopiedBytes),
    verdict(one, paint),
  ])
  return [
    'main thread → worker thread → main thread, through wrapped ports.\n\n',
    `${table(columns, rows, paint)}\n\n`,
    `${paint.dim('copied: bytes of typed arrays, by the codec and by structuredClone; times are medians.')}\n\n`,
    'this process → child process → this process, through a pipe of its own.\n\n',
    `${childTable(passages, paint)}\n\n`,
    `${paint.dim("fork: the channel that Node gives a child, serialization 'advanced'; there and back, medians.")}\n`,
    '\nthis process → child process → this process, through shared memory.\n\n',
    absent === undefined ? `${memoryTable(passages, paint)}\n` : `left out: ${absent}\n`,
    ...passages.flatMap(one => [
      ...one.differences.map(place => `\n${one.value} differs at ${place}`),
      ...one.child.differences.map(place => `\n${one.value} differs, from the child, at ${place}`),
      ...(one.memory?.differences ?? []).map(place => `\n${one.value} differs, by memory, at ${place}`),
    ]),
  ].join('')
}

function childTable(passages: readonly Passage[], paint: Paint): string {
  const columns = [
    { head: 'value' },
    { head: 'there and back', align: 'right' },
    { head: 'by fork', align: 'right' },
    { head: 'fork takes', align: 'right' },
    { head: 'equal' },
  ] as const
  const rows = passages.map(({ value, child }) => [
    value,
    duration(child.roundTripNs),
    duration(child.forkRoundTripNs),
    `${(child.forkRoundTripNs / child.roundTripNs).toFixed(1)}x`,
    verdict(child, paint),
  ])
  return table(columns, rows, paint)
}

function memoryTable(passages: readonly Passage[], paint: Paint): string {
  const columns = [
    { head: 'value' },
    { head: 'there and back', align: 'right' },
    { head: 'fork takes', align: 'right' },
    { head: 'equal' },
  ] as const
  const rows = passages.map(({ value, child, memory }) => [
    value,
    duration(memory!.roundTripNs),
    `${(child.forkRoundTripNs / memory!.roundTripNs).toFixed(1)}x`,
    verdict(memory!, paint),
  ])
  return table(columns, rows, paint)
}

const verdict = ({ equal }: { readonly equal: boolean }, paint: Paint): string =>
  equal ? paint.green('yes') : paint.red('no')
