// What is measured: a case names the families that meet us on it, one heat each, and brings the entrants of a
// heat onto the field. Codec cases are one workload against everyone; growth cases are a few contestants against
// larger and larger values.

import {
  BUFFERS,
  buffers,
  countNodes,
  NODES,
  tensor,
  tree,
  type Workload,
  workloads,
} from '../fixtures/workloads.js'
import { coveredBytes, footprint } from '../src/cli/memory.js'
import { bytes } from '../src/cli/table.js'
import type { Axis } from './board.js'
import type { Carried, Contestant, Session } from './contestant.js'
import { contestants } from './contestants.js'

export interface Entrant {
  readonly contestant: Contestant
  readonly session: Session
  /** What it was given, to be compared with what comes back. */
  readonly value: unknown
  /** Place on a growth curve, and the number of things its times are divided by. */
  readonly at?: number
  readonly per: number
}

export interface Absent {
  readonly name: string
  readonly why: string
}

export interface Field {
  readonly entrants: readonly Entrant[]
  readonly absent: readonly Absent[]
}

export interface Case {
  readonly name: string
  readonly about: string
  readonly axis?: Axis
  readonly ours: readonly Contestant[]
  /** Rivals that take part; who is not among them is told why. */
  readonly rivals: readonly Contestant[]
  readonly absent: readonly Absent[]
  /** Opens sessions for some contestants. */
  enter(some: readonly Contestant[]): Promise<Field>
}

const ours = contestants.filter(({ ours, on }) => ours && on === undefined)
const rivals = contestants.filter(({ ours, on }) => !ours && on === undefined)
const DOCUMENTS = ['records', 'movies', 'earthquakes', 'football', 'us-10m', 'cars', 'budget']
const FORMATTED = ['rpc', ...DOCUMENTS, 'tensor-64KiB', 'tensor-1MiB', 'graph']
/** What each carrier is asked to carry, and each format to write. */
const CARRIED: Readonly<Record<Carried, readonly string[]>> = {
  port: ['rpc', ...DOCUMENTS, 'tensor-1MiB', 'frames'],
  ring: ['rpc', 'movies', 'tensor-64KiB', 'tensor-1MiB'],
  socket: ['rpc', 'records', 'movies', 'us-10m', 'tensor-64KiB', 'tensor-8MiB', 'frames'],
  process: ['rpc', 'movies', 'tensor-8MiB'],
  memory: ['tensor-8MiB', 'tensor-64MiB'],
  msgpack: FORMATTED,
  cbor: FORMATTED,
  flexbuffers: FORMATTED,
  field: ['wide'],
}
const DESTINATION: Readonly<Record<Carried, string>> = {
  port: 'to a thread',
  ring: 'to a thread, by a ring in shared memory',
  socket: 'to a process, by a Unix socket',
  process: 'to a child process',
  memory: 'copied into shared memory',
  msgpack: 'as MessagePack',
  cbor: 'as CBOR',
  flexbuffers: 'as FlexBuffers',
  field: 'of which one field is read',
}
/** Measured where it says something. */
const NOT_BY_CODECS = new Set(['tensor-1GiB', 'tensor-8MiB', 'wide'])

export const cases: readonly Case[] = [
  ...workloads.filter(({ name }) => !NOT_BY_CODECS.has(name)).map(codecCase),
  growthCase('nodes', 'nodes', 'time per node of a record-like tree', NODES, tree, countNodes),
  growthCase(
    'buffers',
    'buffers',
    'time per buffer of a message of many',
    BUFFERS,
    count => buffers(count, 256),
    list => (list as unknown[]).length,
  ),
  growthCase(
    'tensor',
    'bytes',
    'time of one array from 1 KiB to 1 GiB',
    [2 ** 10, 2 ** 16, 2 ** 20, 2 ** 26, 2 ** 30],
    tensor,
    () => 1,
  ),
  ...(Object.keys(CARRIED) as Carried[]).flatMap(on =>
    workloads.filter(({ name }) => CARRIED[on].includes(name)).map(workload => carrierCase(on, workload)),
  ),
]

function codecCase({ name, about, kind, make }: Workload): Case {
  const takes = ({ kinds }: Contestant) => !kinds || kinds.includes(kind)
  const enter = async (some: readonly Contestant[]): Promise<Field> => {
    const value = await make()
    const typedBytes = coveredBytes(footprint(value).views)
    return field(some, contestant => admit(contestant, value, typedBytes))
  }
  return {
    name: `codec/${name}`,
    about,
    ours,
    rivals: rivals.filter(takes),
    absent: rivals
      .filter(rival => !takes(rival))
      .map(({ name, kinds = [] }) => ({ name, why: `takes ${kinds.join(', ')} workloads alone` })),
    enter,
  }
}

function carrierCase(on: Carried, { name, about, make }: Workload): Case {
  const here = contestants.filter(contestant => contestant.on === on)
  const enter = async (some: readonly Contestant[]): Promise<Field> => {
    const value = await make()
    return field(some, contestant => admit(contestant, value, 0))
  }
  return {
    name: `${on}/${name}`,
    about: `${about}, ${DESTINATION[on]}`,
    ours: here.filter(({ ours }) => ours),
    rivals: here.filter(({ ours }) => !ours),
    absent: [],
    enter,
  }
}

function growthCase(
  name: string,
  axis: Axis,
  about: string,
  sizes: readonly number[],
  make: (size: number) => unknown,
  count: (value: unknown) => number,
): Case {
  const enter = async (some: readonly Contestant[]): Promise<Field> => {
    const entrants: Entrant[] = []
    const absent: Absent[] = []
    for (const at of sizes) {
      const value = make(at)
      const per = count(value)
      const typedBytes = coveredBytes(footprint(value).views)
      const here = await field(
        some.filter(({ growth }) => growth),
        async contestant => ({ ...(await admit(contestant, value, typedBytes)), at, per }),
      )
      entrants.push(...here.entrants)
      absent.push(...here.absent.map(({ name, why }) => ({ name: `${name} at ${at}`, why })))
    }
    return { entrants: entrants.sort((a, b) => place(a) - place(b)), absent }
  }
  return {
    name: `growth/${name}`,
    about,
    axis,
    ours,
    rivals: rivals.filter(({ growth }) => growth),
    absent: [],
    enter,
  }
}

const place = ({ contestant }: Entrant): number => contestants.indexOf(contestant)

async function field(
  some: readonly Contestant[],
  admit: (contestant: Contestant) => Promise<Entrant>,
): Promise<Field> {
  const entrants: Entrant[] = []
  const absent: Absent[] = []
  for (const contestant of some) {
    try {
      entrants.push(await admit(contestant))
    } catch (error) {
      absent.push({ name: contestant.name, why: String(error).split('\n', 1)[0]!.slice(0, 120) })
    }
  }
  return { entrants, absent }
}

async function admit(contestant: Contestant, value: unknown, typedBytes: number): Promise<Entrant> {
  const { maxBytes = Number.POSITIVE_INFINITY } = contestant
  const refusal = contestant.refuses?.(value)
  if (refusal) throw new Refusal(refusal)
  if (typedBytes > maxBytes) throw new Refusal(`asked for at most ${bytes(maxBytes)} of typed arrays`)
  const session = await contestant.open(value)
  return { contestant, session, value, per: session.per ?? 1 }
}

class Refusal extends Error {
  override toString(): string {
    return this.message
  }
}
