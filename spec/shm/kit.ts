/** What the specs of shared memory share: actors (processes of their own), what is in /dev/shm, and errors. */
import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import type { ErrorCode, ErrorFields, OutbandError } from '../../src/index.js'
import { expectError, thrown } from '../thrown.js'

/** Generous: nothing here depends on how fast the machine is. */
export const PATIENCE_MS = 30_000

/** Shared memory as it is made and tested here. macOS has most of it, but nobody has tried. */
export const isLinux = process.platform === 'linux'
if (!isLinux) console.log('SKIP: shared memory is tested on Linux alone')

const actor = fileURLToPath(new URL('actor.js', import.meta.url))

/** Whether none of these names is in /dev/shm, where others than this spec have some too. */
export function areGone(names: readonly string[]): boolean {
  const there = new Set(readdirSync('/dev/shm'))
  return !names.some(name => there.has(name))
}

/** Descriptors of this process that lead to shared memory. */
export function descriptorsOfShm(): string[] {
  if (!isLinux) return []
  const targets = readdirSync('/proc/self/fd').map(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      // That of the folder itself.
      return ''
    }
  })
  return targets.filter(target => /^\/(?:dev\/shm\/|memfd:outband)/.test(target))
}

/** Awaits what is to become true, without saying how soon. */
export async function eventually(what: string, isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!isTrue()) {
    if (performance.now() > deadline) assert.unreachable(`not within ${PATIENCE_MS} ms: ${what}`)
    await sleep(5)
  }
}

/** Whether nothing is left of a process: it has ended, and its parent knows. */
export function isReaped(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

/** Whether there is such a process, and more of it than its number. */
export function isAlive(pid: number): boolean {
  if (isReaped(pid)) return false
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return !stdout.startsWith('Z')
}

/** What an actor that ran to its end printed, as JSON. It did not crash, and had nothing to complain of. */
export function play(role: string, ...args: unknown[]): unknown {
  return playWith([], role, ...args)
}

/** The same, with flags of Node's. */
export function playWith(flags: readonly string[], role: string, ...args: unknown[]): unknown {
  return ended(spawnSync(process.execPath, [...flags, actor, role, ...args.map(textOf)], options), role)
}

const options = { encoding: 'utf8', timeout: PATIENCE_MS } as const
const textOf = (argument: unknown): string =>
  typeof argument === 'string' ? argument : JSON.stringify(argument)

/** What a program that ran to its end printed, as JSON. */
export function ended(result: SpawnSyncReturns<string>, name: string): unknown {
  const { stdout, stderr, status, signal } = result
  assert.is(stderr, '', name)
  assert.equal([status, signal], [0, null], name)
  return JSON.parse(stdout)
}

/** Whether a command is there and does what it is asked to. */
export const canRun = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0

/** The command line of an actor, to be run by a shell that has made a place for it. */
export const commandOf = (role: string, ...args: unknown[]): string[] => [
  process.execPath,
  actor,
  role,
  ...args.map(textOf),
]

/** An actor that has said something and lives on, until it is killed or told to end by its standard input. */
export interface Living {
  readonly child: ChildProcess & { readonly pid: number }
  readonly said: unknown
  /** Sends a signal, and awaits the end. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Asks for another line. */
  ask(): Promise<unknown>
  /** Asks it to end, and awaits that. */
  end(): Promise<void>
  /** Resolves when it has ended. */
  readonly over: Promise<unknown>
}

/** Starts an actor and awaits what it says, one line of JSON. */
export async function start(role: string, ...args: unknown[]): Promise<Living> {
  const child = spawn(process.execPath, [actor, role, ...args.map(textOf)], {
    // One that is asked to fail says so there.
    stdio: ['pipe', 'pipe', role === 'end' ? 'ignore' : 'inherit'],
  }) as ChildProcess & { readonly pid: number }
  const over = once(child, 'close')
  const lines = createInterface({ input: child.stdout! })
  const next = async (): Promise<unknown> => JSON.parse((await once(lines, 'line'))[0])
  const ask = (): Promise<unknown> => {
    child.stdin!.write('?')
    return next()
  }
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal)
    await over
  }
  const end = async (): Promise<void> => {
    child.stdin!.end()
    await over
    assert.equal([child.exitCode, child.signalCode], [0, null])
  }
  return { child, said: await next(), kill, ask, end, over }
}

/** The error of ours that `run` throws: it has this code and these fields. */
export function refused(run: () => unknown, code: ErrorCode, fields: ErrorFields = {}): OutbandError {
  return expectError(thrown(run), code, fields, /^memory: /)
}
