// outband demo: real data goes to a worker thread and back. What went there is compared with what came back as
// a graph, and the bytes copied are counted by looking at whose memory the buffers lie in.

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { decode, encode } from '../index.js'
import { type Wrapped, wrapPort } from '../port/index.js'
import { medianNs } from './clock.js'
import { differences } from './compare.js'
import { readColumns, readDocument } from './datasets.js'
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
}

const VALUES: readonly { readonly name: string; readonly make: () => unknown }[] = [
  { name: 'flights-200k.arrow, columns', make: () => readColumns('flights-200k.arrow') },
  { name: 'movies.json', make: () => readDocument('movies.json') },
  { name: 'earthquakes.json', make: () => readDocument('earthquakes.json') },
  { name: '1080p frame, 4:2:0', make: () => videoFrame() },
]

/** Runs the demo and prints it; answers whether everything came back equal. */
export async function demo({ json }: { readonly json: boolean }): Promise<boolean> {
  const values = await Promise.all(VALUES.map(async ({ name, make }) => ({ name, value: await make() })))
  const worker = wrapPort(new Worker(new URL('./demo-worker.js', import.meta.url)))
  const passages: Passage[] = []
  try {
    for (const { name, value } of values) passages.push(await passage(name, value, worker))
  } finally {
    await worker.terminate()
  }
  const equal = passages.every(passage => passage.equal)
  const report = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    equal,
    values: passages,
  }
  process.stdout.write(
    json ? `${JSON.stringify(report, null, 2)}\n` : listing(passages, paintFor(process.stdout)),
  )
  return equal
}

type Thread = Worker & Wrapped

async function passage(name: string, value: unknown, worker: Thread): Promise<Passage> {
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
    equal: found.length === 0,
    differences: found.map(({ path, what }) => `${path}: ${what}`),
  }
}

/** Sends a value to the worker and waits for it to come back. */
async function trip(thread: Thread, value: unknown): Promise<unknown> {
  const answer = once(thread, 'message')
  thread.postMessage(value)
  const [back] = await answer
  return back
}

function listing(passages: readonly Passage[], paint: Paint): string {
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
    one.equal ? paint.green('yes') : paint.red('no'),
  ])
  const different = passages.flatMap(one =>
    one.differences.map(place => `${one.value} differs at ${place}\n`),
  )
  return [
    'main thread → worker thread → main thread, through wrapped ports.\n\n',
    `${table(columns, rows, paint)}\n`,
    ...(different.length > 0 ? ['\n', ...different] : []),
    `\n${paint.dim('copied: bytes of typed arrays, by the codec and by structuredClone; times are medians.')}\n`,
  ].join('')
}
