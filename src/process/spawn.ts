/** Child processes with a channel: any program, or a module of JavaScript. */
import { type ChildProcess, type SpawnOptions as NodeOptions, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Child, signalTo } from '../carriers/process/child.js'
import { type Over, parentEnd, VARIABLE, wiring } from '../carriers/process/ends.js'
import { ProcessCarrier, type ProcessOptions } from '../carriers/process/process.js'
import { type MemoryOption, sharingOf } from '../carriers/shm/sharing.js'
import { keepAnnex, sharedWay } from '../carriers/shm/way.js'
import type { ChannelOptions } from '../channel.js'
import { expectStreamOptions } from '../connection/channel.js'
import { expectArgument, expectOptions, expectTime, OutbandError } from '../errors.js'
import { ChildChannel } from './channel.js'

/**
 * Options of `spawnChannel`: those of `child_process.spawn`, the channel's, and the carrier's. `stdio` defaults to
 * `'inherit'`; the channel's pipe comes behind its entries. `limits` default to `'trusted'`, and no time is limited.
 */
export type SpawnOptions = NodeOptions &
  ChannelOptions &
  ProcessOptions & {
    /** What the frames go over: a pipe of their own (default), or the child's standard input and output. */
    readonly over?: Over | undefined
    /**
     * `'shared'`, or its options: all goes by memory that both processes have mapped, once the child has agreed, which
     * `connectParent` does by itself where it can (`outband/shm`). Default `'private'`.
     */
    readonly memory?: MemoryOption | undefined
  }

/** Options of `forkChannel`; those of `child_process.fork` that say how to run a module among them. */
export type ForkOptions = Omit<SpawnOptions, 'shell' | 'argv0'> & {
  /** The program that runs the module. Default: the one that runs this process. */
  readonly execPath?: string | undefined
  /** Arguments for that program itself. Default: those of this process. */
  readonly execArgv?: readonly string[] | undefined
  /** Whether `stdio` defaults to `'pipe'`. Default false. */
  readonly silent?: boolean | undefined
}

/**
 * Starts a program, and a channel to it through a pipe of its own: another Node, Deno or Bun, where `connectParent`
 * takes it up, or any program that reads and writes frames (`spec/FORMAT.md`) at the descriptor that the environment
 * variable `OUTBAND_FD` names, or, with `over: 'stdio'`, at its standard input and output.
 *
 * Memory: `send` lends buffers of 16 KiB or more until it resolves, and copies shorter ones; what arrives is the reader's. With
 * `memory: 'shared'` arrays of the arena are shared, and what arrives may lie in the peer's.
 *
 * A program that cannot be started ends the channel: PEER_GONE, with the system's error as its cause.
 * @throws PEER_GONE where the system refuses at once: it has no more descriptors, say
 * @throws TypeError for an option of the wrong type
 */
export function spawnChannel<In = unknown, Out = In>(
  command: string,
  options?: SpawnOptions,
): ChildChannel<In, Out>
export function spawnChannel<In = unknown, Out = In>(
  command: string,
  args?: readonly string[],
  options?: SpawnOptions,
): ChildChannel<In, Out>
export function spawnChannel<In, Out>(command: string, ...rest: Rest<SpawnOptions>): ChildChannel<In, Out> {
  return start<In, Out>(command, ...argumentsOf(rest))
}

/**
 * Runs a module in a process of its own, as `child_process.fork` does, and a channel to it: there `connectParent` takes it
 * up. There is no `process.send`; all else is as with `spawnChannel`.
 * @throws TypeError for an option of the wrong type
 */
export function forkChannel<In = unknown, Out = In>(
  modulePath: string | URL,
  options?: ForkOptions,
): ChildChannel<In, Out>
export function forkChannel<In = unknown, Out = In>(
  modulePath: string | URL,
  args?: readonly string[],
  options?: ForkOptions,
): ChildChannel<In, Out>
export function forkChannel<In, Out>(
  modulePath: string | URL,
  ...rest: Rest<ForkOptions>
): ChildChannel<In, Out> {
  const isPath = typeof modulePath === 'string' || modulePath instanceof URL
  expectArgument(isPath, 'modulePath', 'a path or a file: URL')
  const path = String(modulePath)
  const file = path.startsWith('file:') ? fileURLToPath(path) : path
  const [args, options] = argumentsOf(rest)
  const { execPath = process.execPath, execArgv = ownArguments(), silent = false, ...others } = options
  expectArgument(typeof silent === 'boolean', 'silent', 'a boolean')
  const { stdio = silent ? 'pipe' : 'inherit' } = others
  return start<In, Out>(execPath, [...execArgv, file, ...args], { ...others, stdio, shell: false })
}

type Rest<Options> = [args?: readonly string[] | Options, options?: Options]

/** Both are optional, as they are with Node. */
function argumentsOf<Options>([args, options]: Rest<Options>): [
  readonly string[],
  Options | Record<string, never>,
] {
  expectOptions(options)
  if (Array.isArray(args)) return [args, options ?? {}]
  expectArgument(args === undefined || typeof args === 'object', 'args', 'a list of strings')
  return [[], (args as Options | undefined) ?? options ?? {}]
}

const CODE = /^(?:-e|-p|-pe|--eval|--print|--input-type)(=|$)/

/** What this process was started with, without the code that may have been among it. */
function ownArguments(): string[] {
  const isCode = process.execArgv.map(argument => CODE.exec(argument)?.[1])
  // One that ends without `=` has its value behind it.
  return process.execArgv.filter((_, at) => isCode[at] === undefined && isCode[at - 1] !== '')
}

function start<In, Out>(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): ChildChannel<In, Out> {
  const sharing = sharingOf(options.memory ?? 'private')
  // Before there is a process.
  expectStreamOptions(options)
  const { graceMs = 0 } = options
  expectTime(graceMs, 'graceMs')
  const { stdio, place } = wiring(options.stdio, options.over)
  const env = { ...(options.env ?? process.env), [VARIABLE]: place }
  const child = started(() => spawn(command, [...args], { ...options, stdio, env }))
  try {
    const link = parentEnd(child, place)
    if (link === undefined)
      throw new OutbandError('PEER_GONE', 'process: cannot start: no descriptor is left')
    const way = sharing && sharedWay(link, 'asks', sharing)
    const carrier = new ProcessCarrier(new Child(child), link, options, way)
    return keepAnnex(new ChildChannel<In, Out>(carrier, options), way?.annex)
  } catch (error) {
    // Nobody would ever hear of it.
    child.on('error', () => {})
    signalTo(child, 'SIGKILL')
    throw error
  }
}

/** What the system refuses at once is told as what it refuses later. */
function started(spawning: () => ChildProcess): ChildProcess {
  try {
    return spawning()
  } catch (cause) {
    if (!(cause instanceof Error) || !('syscall' in cause)) throw cause
    throw new OutbandError('PEER_GONE', `process: cannot start: ${cause.message}`, { cause })
  }
}
