// What each carrier is asked to carry, and each format to write.

import type { Carried } from './contestant.js'

export const DOCUMENTS = ['records', 'movies', 'earthquakes', 'football', 'us-10m', 'cars', 'budget']
const FORMATTED = ['rpc', ...DOCUMENTS, 'tensor-64KiB', 'graph']
/** Formats that no bar is about. */
const SOME_FORMATTED = ['rpc', 'records', 'movies', 'us-10m', 'tensor-64KiB']

interface Load {
  readonly destination: string
  readonly workloads: readonly string[]
  /** Those of them that a quick look is content with. */
  readonly quick: readonly string[]
  /** Those of them where variants meet us; all, if not said. */
  readonly varied?: readonly string[]
  /** Whether it says something about any value, and so about the user's own. */
  readonly isForAny: boolean
}

export const CARRIED: Readonly<Record<Carried, Load>> = {
  port: {
    destination: 'to a thread',
    workloads: ['rpc', ...DOCUMENTS, 'tensor-1MiB', 'frames'],
    quick: ['rpc', 'tensor-1MiB'],
    varied: ['rpc', 'movies', 'tensor-1MiB'],
    isForAny: true,
  },
  ring: {
    destination: 'to a thread, by a ring in shared memory',
    workloads: ['rpc', 'movies', 'tensor-64KiB', 'tensor-1MiB'],
    quick: ['rpc'],
    isForAny: true,
  },
  socket: {
    destination: 'to a process, by a Unix socket',
    workloads: ['rpc', 'records', 'movies', 'us-10m', 'tensor-64KiB', 'tensor-8MiB', 'frames'],
    quick: ['rpc', 'tensor-64KiB'],
    isForAny: true,
  },
  process: {
    destination: 'to a child process',
    workloads: ['rpc', 'movies', 'tensor-8MiB'],
    quick: ['rpc'],
    isForAny: true,
  },
  memory: {
    destination: 'copied into shared memory',
    workloads: ['tensor-8MiB', 'tensor-64MiB'],
    quick: ['tensor-8MiB'],
    isForAny: false,
  },
  msgpack: { destination: 'as MessagePack', workloads: FORMATTED, quick: ['rpc'], isForAny: true },
  cbor: { destination: 'as CBOR', workloads: FORMATTED, quick: ['rpc'], isForAny: true },
  flexbuffers: { destination: 'as FlexBuffers', workloads: SOME_FORMATTED, quick: [], isForAny: true },
  pickle: {
    destination: 'as Python’s pickle',
    workloads: SOME_FORMATTED,
    quick: ['rpc'],
    isForAny: true,
  },
  field: { destination: 'of which one field is read', workloads: ['wide'], quick: [], isForAny: false },
}
