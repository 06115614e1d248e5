// Time of processors, as Linux keeps it to the nanosecond for every thread: of a process, or of one thread of it.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Who works: a process with all its threads, or one thread. */
export interface Side {
  readonly pid: number
  readonly tid?: number
}

/** Who works here and, where something is carried, on the other side; this process if not said. */
export interface Sides {
  readonly here?: Side | undefined
  readonly there?: Side | undefined
}

export interface Cpu {
  readonly here: number | undefined
  readonly there: number | undefined
}

/** Nanoseconds that both sides have had so far; undefined where the system does not tell. */
export function cpuOf({ here = { pid: process.pid }, there }: Sides): Cpu {
  const theirs = there && cpuNs(there)
  const mine = cpuNs(here)
  const isThreadOfMine = there?.tid !== undefined && there.pid === here.pid
  if (!isThreadOfMine) return { here: mine, there: theirs }
  return { here: mine === undefined || theirs === undefined ? undefined : mine - theirs, there: theirs }
}

/** Nanoseconds that a process or a thread has had so far; of another process, those of threads that still live. */
export function cpuNs({ pid, tid }: Side): number | undefined {
  if (tid === undefined && pid === process.pid) {
    const { user, system } = process.cpuUsage()
    return (user + system) * 1000
  }
  try {
    const tasks = `/proc/${pid}/task`
    const threads = tid === undefined ? readdirSync(tasks) : [tid]
    return threads.reduce<number>((sum, thread) => sum + ran(`${tasks}/${thread}/schedstat`), 0)
  } catch {
    return undefined
  }
}

/** The number that Linux gives to the thread that asks; 0 elsewhere. */
export function threadNumber(): number {
  try {
    return Number(/\d+$/.exec(readlinkSync('/proc/thread-self'))?.[0])
  } catch {
    return 0
  }
}

/** The first field of schedstat: nanoseconds spent running. */
const ran = (path: string): number => Number(readFileSync(path, 'latin1').split(' ', 1)[0])
