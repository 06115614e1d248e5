/**
 * The two ends of a child's pipe: a socket pair that the system makes with the process, behind the standard three, or
 * standard input and output. The child finds its own by an environment variable.
 */
import type { ChildProcess, IOType, StdioOptions } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Socket } from 'node:net'
import { devNull } from 'node:os'
import { expectArgument } from '../../errors.js'
import { SocketLink } from '../socket/link.js'
import { ProcessLink } from './link.js'

/** Says which descriptor is the child's end, or `stdio`. */
export const VARIABLE = 'OUTBAND_FD'

/** What the frames go over: a pipe of their own, or standard input and output. */
export type Over = 'pipe' | 'stdio'

type Entry = Exclude<StdioOptions, IOType>[number]

/** What the child is given, and the value of its variable. */
export interface Wiring {
  readonly stdio: Entry[]
  readonly place: string
}

/** The caller's `stdio` with the channel's pipe behind it, or in it. @throws TypeError */
export function wiring(stdio: StdioOptions = 'inherit', over: Over = 'pipe'): Wiring {
  expectArgument(over === 'pipe' || over === 'stdio', 'over', "'pipe' or 'stdio'")
  const isList = Array.isArray(stdio)
  const entries: Entry[] = isList ? [...stdio] : [stdio, stdio, stdio]
  if (over === 'stdio') {
    const [input, output] = isList ? entries : []
    const isFree = [input, output].every(entry => (entry ?? 'pipe') === 'pipe')
    expectArgument(isFree, 'stdio', "'pipe' at 0 and 1, over which the frames go")
    return { stdio: ['pipe', 'pipe', ...entries.slice(2)], place: 'stdio' }
  }
  while (entries.length < 3) entries.push(undefined)
  return { stdio: [...entries, 'pipe'], place: String(entries.length) }
}

/** This side's end; nothing where the system could not make it. */
export function parentEnd(child: ChildProcess, place: string): ProcessLink | undefined {
  const { stdin, stdout } = child
  const isPipe = place !== 'stdio'
  const source = (isPipe ? child.stdio?.[Number(place) as 3] : stdout) as Socket | null | undefined
  if (!source || (!isPipe && !stdin)) return undefined
  // The reader takes its place, but it is for this one to close that a ChildProcess waits with its 'close'.
  const last = () => source.destroy()
  const writer = isPipe ? undefined : SocketLink.over(stdin as Socket)
  return new ProcessLink(SocketLink.adopting(source), writer, last)
}

/** The child's end. @throws TypeError, Node's own, where there is none */
export function childEnd(place: string): ProcessLink {
  if (place !== 'stdio') return new ProcessLink(SocketLink.on(Number(place))).asChild()
  const reader = SocketLink.on(0, { readable: true, writable: false })
  return new ProcessLink(reader, SocketLink.on(1, { readable: false, writable: true }), letGo).asChild()
}

/** Node never closes the standard three. The parent must see the end, and what is printed afterwards must go nowhere. */
function letGo(): void {
  for (const [fd, flags] of [
    [0, 'r'],
    [1, 'w'],
  ] as const) {
    try {
      closeSync(fd)
    } catch {
      // Other engines have closed it.
    }
    // The lowest that is free: the same.
    openSync(devNull, flags)
  }
}
