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
  type WorkloadKind,
  workloads,
} from '../fixtures/workloads.js'
import { coveredBytes, footprint } from '../src/cli/memory.js'
import type { Axis } from './board.js'
import { CARRIED } from './carried.js'
import type { Carried, Contestant } from './contestant.js'
import { GROUPS, type Group, groupOf } from './contestants.js'
import { type Absent, admit, type Entrant, type Field, fieldOf } from './field.js'

export interface Case {
  readonly name: string
  readonly group: Group
  readonly about: string
  readonly axis?: Axis
  /** Part of a quick look. */
  readonly quick: boolean
  /** Whether encode and decode are told one by one. */
  readonly halves: boolean
  readonly ours: readonly Contestant[]
  /** Rivals that take part; who is not among them is told why. */
  readonly rivals: readonly Contestant[]
  readonly absent: readonly Absent[]
  /** Opens sessions for some contestants. */
  enter(some: readonly Contestant[]): Promise<Field>
}

/** Measured where it says something. */
const NOT_BY_CODECS = new Set(['tensor-8MiB', 'tensor-64MiB', 'tensor-1GiB', 'wide'])
const QUICK = new Set(['rpc', 'records', 'tensor-64KiB', 'arrow'])
/** Where settings for text and records, and formats of text, can make a difference that the others do not show. */
const VARIED: ReadonlySet<WorkloadKind> = new Set(['message', 'document', 'graph'])

/** Every case in which some of these contestants meet. */
export function casesOf(contestants: readonly Contestant[]): Case[] {
  const present = new Set(contestants.map(groupOf))
  const codecs = contestants.filter(({ on }) => on === undefined)
  return [
    ...(present.has('codec') ? codecCases(codecs) : []),
    ...CARRIERS.filter(on => present.has(on)).flatMap(on =>
      workloads
        .filter(({ name }) => CARRIED[on].workloads.includes(name))
        .map(workload => carrierCase(on, workload, contestants)),
    ),
  ]
}

/** The cases of the user's own data: whoever can take it. */
export function ownCasesOf(contestants: readonly Contestant[], own: readonly Workload[]): Case[] {
  const present = new Set(contestants.map(groupOf))
  const carriers = CARRIERS.filter(on => present.has(on) && CARRIED[on].isForAny)
  return own.flatMap(workload => [
    ...(present.has('codec')
      ? [
          codecCase(
            workload,
            contestants.filter(({ on }) => on === undefined),
          ),
        ]
      : []),
    ...carriers.map(on => carrierCase(on, workload, contestants)),
  ])
}

const CARRIERS = GROUPS.filter(group => group !== 'codec') as readonly Carried[]

function codecCases(codecs: readonly Contestant[]): Case[] {
  return [
    ...workloads.filter(({ name }) => !NOT_BY_CODECS.has(name)).map(workload => codecCase(workload, codecs)),
    growthCase(codecs, 'nodes', 'nodes', 'time per node of a record-like tree', NODES, tree, countNodes),
    growthCase(
      codecs,
      'buffers',
      'buffers',
      'time per buffer of a message of many',
      BUFFERS,
      count => buffers(count, 256),
      list => (list as unknown[]).length,
    ),
    growthCase(
      codecs,
      'tensor',
      'bytes',
      'time of one array from 1 KiB to 1 GiB',
      [2 ** 10, 2 ** 16, 2 ** 20, 2 ** 26, 2 ** 30],
      tensor,
      () => 1,
    ),
  ]
}

function codecCase({ name, about, kind, make }: Workload, codecs: readonly Contestant[]): Case {
  const rivals = codecs.filter(({ ours }) => !ours)
  const takes = ({ kinds }: Contestant) => !kinds || kinds.includes(kind)
  const whyNot = (one: Contestant): string | undefined => {
    if (!takes(one)) return `takes ${one.kinds!.join(', ')} workloads alone`
    return one.variant && !VARIED.has(kind) ? 'differs from its family in text and records alone' : undefined
  }
  const enter = async (some: readonly Contestant[]): Promise<Field> => {
    const value = await make()
    const typedBytes = coveredBytes(footprint(value).views)
    return fieldOf(some, contestant => admit(contestant, value, typedBytes))
  }
  return {
    name: `codec/${name}`,
    group: 'codec',
    about,
    quick: QUICK.has(name),
    halves: kind !== 'unseen',
    ours: codecs.filter(one => one.ours && takes(one)),
    rivals: rivals.filter(rival => whyNot(rival) === undefined),
    absent: rivals.flatMap(rival => {
      const why = whyNot(rival)
      return why === undefined ? [] : [{ name: rival.name, why }]
    }),
    enter,
  }
}

function carrierCase(on: Carried, { name, about, make }: Workload, contestants: readonly Contestant[]): Case {
  const { destination, quick, varied = [] } = CARRIED[on]
  const here = contestants.filter(contestant => contestant.on === on)
  const rivals = here.filter(({ ours }) => !ours)
  const isVaried = varied.length === 0 || varied.includes(name) || !CARRIED[on].workloads.includes(name)
  const enter = async (some: readonly Contestant[]): Promise<Field> => {
    const value = await make()
    return fieldOf(some, contestant => admit(contestant, value, 0))
  }
  return {
    name: `${on}/${name}`,
    group: on,
    about: `${about}, ${destination}`,
    quick: quick.includes(name),
    halves: false,
    ours: here.filter(({ ours }) => ours),
    rivals: rivals.filter(({ variant }) => isVaried || !variant),
    absent: rivals
      .filter(({ variant }) => variant && !isVaried)
      .map(rival => ({ name: rival.name, why: `met at ${varied.join(', ')}` })),
    enter,
  }
}

function growthCase(
  codecs: readonly Contestant[],
  name: string,
  axis: Axis,
  about: string,
  sizes: readonly number[],
  make: (size: number) => unknown,
  count: (value: unknown) => number,
): Case {
  const growing = codecs.filter(({ growth }) => growth)
  const enter = async (some: readonly Contestant[]): Promise<Field> => {
    const entrants: Entrant[] = []
    const absent: Absent[] = []
    for (const at of sizes) {
      const value = make(at)
      const per = count(value)
      const typedBytes = coveredBytes(footprint(value).views)
      const admitAt = async (contestant: Contestant) => ({
        ...(await admit(contestant, value, typedBytes)),
        at,
        per,
      })
      const here = await fieldOf(some, admitAt)
      entrants.push(...here.entrants)
      absent.push(...here.absent.map(({ name, why }) => ({ name: `${name} at ${at}`, why })))
    }
    const place = ({ contestant }: Entrant): number => codecs.indexOf(contestant)
    return { entrants: entrants.sort((a, b) => place(a) - place(b)), absent }
  }
  return {
    name: `growth/${name}`,
    group: 'codec',
    about,
    axis,
    quick: false,
    halves: true,
    ours: growing.filter(({ ours }) => ours),
    rivals: growing.filter(({ ours }) => !ours),
    absent: [],
    enter,
  }
}
