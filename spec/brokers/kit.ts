/** What goes through message brokers in these specs, and what must be at their other end. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import { Box, box, Point, point } from '../../fixtures/classes.js'
import { values } from '../../fixtures/values.js'
import { mesh, tensor, workload } from '../../fixtures/workloads.js'
import {
  decode,
  type EncodeOptions,
  encode,
  type Packet,
  type PacketLike,
  registry,
} from '../../src/index.js'
import { within } from '../carriers/inbox.js'
import { difference } from '../same.js'

export const types = registry(point, box)

interface Row {
  readonly name: string
  readonly value: unknown
  /** As it arrives, where that is not as it was sent. */
  readonly arrives?: unknown
  readonly options?: EncodeOptions
}

const samples = Float64Array.from({ length: 2000 }, (_, i) => i / 3)
const few = samples.subarray(1, 9)

/** None longer than what a NATS server takes. */
const rows: readonly Row[] = [
  { name: 'a small call', value: workload('rpc').make() },
  { name: 'a tensor of 64 KiB', value: tensor(2 ** 16) },
  { name: 'a mesh', value: mesh(10_000) },
  { name: 'custom types', value: [new Point(1, -0), new Box({ samples, at: new Point(2, 3) })] },
  {
    name: 'views that overlap, and their memory',
    value: [samples, samples.subarray(5, 1500), samples.buffer],
  },
  { name: 'with a checksum', value: { samples }, options: { checksum: true } },
  { name: 'all in band', value: { samples }, options: { threshold: Number.POSITIVE_INFINITY } },
  {
    name: 'buffers of some bytes',
    value: [few, new Uint8Array(0), few.slice(0, 3)],
    options: { threshold: 0 },
  },
  // Such parts share what ZeroMQ reads at a time, and begin at any address.
  ...[17, 100, 500, 1000].map(length => ({
    name: `buffers of ${8 * length} and 7 bytes`,
    value: [new Uint8Array(7).fill(length), samples.slice(0, length), new BigInt64Array(length).fill(-1n)],
    options: { threshold: 0 },
  })),
  ...values
    .filter(({ isShared }) => !isShared)
    .map(({ name, make, arrives }) => {
      const value = make()
      return { name, value, ...(arrives && { arrives: arrives(value as never) }) }
    }),
]

/** Every row, there and back. */
export async function checkEcho(ask: (packet: Packet) => Promise<PacketLike>): Promise<void> {
  for (const { name, value, arrives = value, options } of rows) {
    const packet = await within(ask(encode(value, { types, ...options })), name)
    assert.is(difference(arrives, decode(packet, { types })), undefined, name)
  }
}

/** What is answered: the value, or why there is none. */
export function echo(open: () => PacketLike): Packet {
  try {
    return encode(decode(open(), { types }), { types })
  } catch (error) {
    return encode(error)
  }
}

/** A process that echoes what comes through a broker, once it is ready. */
export async function startEcho(broker: 'zeromq' | 'nats', address: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('echo.js', import.meta.url)), [broker, address])
  await within(once(child, 'message'), 'the echo')
  return child
}
