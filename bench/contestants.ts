// Who takes part, by what they are asked to do. A heat loads those of its own group alone: what a library does to V8
// when it is loaded, and how long that takes, is then nobody else's.

import type { Carried, Contestant } from './contestant.js'

export type Group = 'codec' | Carried

const ports = async () => (await import('./ports.js')).ports
const streams = async () => (await import('./streams.js')).streams
const pickles = async () => import('./pickle.js')
const formats = async () => (await import('./formats.js')).formatContestants

const SOURCES: Readonly<Record<Group, readonly (() => Promise<readonly Contestant[]>)[]>> = {
  codec: [
    async () => (await import('./ours.js')).ours,
    async () => (await import('./rivals.js')).rivals,
    async () => (await pickles()).pythonCodecs,
  ],
  port: [ports],
  ring: [ports],
  socket: [streams],
  process: [streams, async () => (await pickles()).pythonProcesses],
  memory: [async () => (await import('./memory.js')).memoryContestants],
  msgpack: [formats],
  cbor: [formats],
  flexbuffers: [formats],
  pickle: [async () => (await pickles()).pickleContestants],
  field: [formats],
}

export const GROUPS = Object.keys(SOURCES) as readonly Group[]

export const groupOf = ({ on }: Contestant): Group => on ?? 'codec'

/** Everyone of a group, ourselves first. */
export async function contestantsOf(group: Group): Promise<readonly Contestant[]> {
  const found = await Promise.all(SOURCES[group].map(load => load()))
  return found.flat().filter(contestant => groupOf(contestant) === group)
}

export async function allContestants(): Promise<readonly Contestant[]> {
  return (await Promise.all(GROUPS.map(contestantsOf))).flat()
}
