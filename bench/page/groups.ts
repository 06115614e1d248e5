// Cases by what they are about, in the order a reader wants them. A case that no group knows has one of its own, named as its
// prefix: a new carrier, or somebody's own data, is on the page without a line here.

import { type WorkloadKind, workloads } from '../../fixtures/workloads.js'

export interface Group {
  readonly id: string
  readonly title: string
  /** How it was timed, and what to make of it. */
  readonly lead: string
  readonly cases: readonly string[]
}

interface Rule extends Omit<Group, 'cases'> {
  readonly prefix: string
  readonly kinds?: readonly WorkloadKind[]
}

const BOTH =
  'Encode and decode in one go; the table below a chart has them one by one, where they were timed so too.'
const ONE_WAY = 'From the first message of a burst to the last arrival, the work of both sides in it.'

const RULES: readonly Rule[] = [
  { id: 'documents', title: 'Documents', prefix: 'codec', kinds: ['document'], lead: BOTH },
  {
    id: 'arrays',
    title: 'Typed arrays',
    prefix: 'codec',
    kinds: ['bytes', 'table'],
    lead: `${BOTH} Whoever copies pays by the byte; out of band nothing is copied.`,
  },
  {
    id: 'small',
    title: 'Small calls, and graphs',
    prefix: 'codec',
    kinds: ['message', 'graph'],
    lead: BOTH,
  },
  {
    id: 'unseen',
    title: 'Documents that nothing was tuned for',
    prefix: 'codec',
    kinds: ['unseen'],
    lead: BOTH,
  },
  { id: 'codec', title: 'Your own data', prefix: 'codec', lead: BOTH },
  {
    id: 'growth',
    title: 'Growth',
    prefix: 'growth',
    lead: 'Both axes are logarithmic. A level line costs the same for each at every size; one that rises gets dearer.',
  },
  { id: 'port', title: 'To a thread, by its port', prefix: 'port', lead: ONE_WAY },
  { id: 'ring', title: 'To a thread, by a ring in shared memory', prefix: 'ring', lead: ONE_WAY },
  { id: 'socket', title: 'To a process, by a Unix socket', prefix: 'socket', lead: ONE_WAY },
  { id: 'process', title: 'To a child process', prefix: 'process', lead: ONE_WAY },
  {
    id: 'memory',
    title: 'Into shared memory',
    prefix: 'memory',
    lead: 'A copy into pages that are there, and into such as are made and given back every time.',
  },
  {
    id: 'msgpack',
    title: 'As MessagePack',
    prefix: 'msgpack',
    lead: 'Beside the library that writes the bytes, at the same settings.',
  },
  {
    id: 'cbor',
    title: 'As CBOR',
    prefix: 'cbor',
    lead: 'Beside the library that writes the bytes, at the same settings.',
  },
  { id: 'flexbuffers', title: 'As FlexBuffers', prefix: 'flexbuffers', lead: 'Beside the library.' },
  {
    id: 'pickle',
    title: 'As Python’s pickle',
    prefix: 'pickle',
    lead: 'Python times itself while this process waits, on the same objects.',
  },
  {
    id: 'field',
    title: 'One field of a large document',
    prefix: 'field',
    lead: 'The document has arrived, and one field in its middle is wanted.',
  },
]

const kinds = new Map(workloads.map(({ name, kind }) => [name, kind]))
const prefixOf = (name: string): string => name.split('/', 1)[0]!

/** What a workload is called by itself: `movies` of `port/movies`. */
export const workloadOf = (name: string): string => name.slice(name.indexOf('/') + 1)
export const kindOf = (name: string): WorkloadKind | undefined => kinds.get(workloadOf(name))

/** Groups that have cases; the cases in the order they were measured. */
export function groupsOf(names: readonly string[]): Group[] {
  const left = new Set(names)
  const found: Group[] = []
  const prefixes = [...new Set(names.map(prefixOf))].filter(
    prefix => !RULES.some(rule => rule.prefix === prefix),
  )
  const others = prefixes.map((prefix, i) => ({ id: `other-${i}`, title: prefix, prefix, lead: '' }))
  for (const { prefix, kinds, ...group } of [...RULES, ...others] as Rule[]) {
    const cases = [...left].filter(name => prefixOf(name) === prefix && isOf(kinds, name))
    for (const name of cases) left.delete(name)
    if (cases.length > 0) found.push({ ...group, cases })
  }
  return found
}

const isOf = (wanted: readonly WorkloadKind[] | undefined, name: string): boolean => {
  const kind = kindOf(name)
  return wanted === undefined || (kind !== undefined && wanted.includes(kind))
}
