/** What the specs of files share: a folder that goes away, errors that are awaited, and frames to damage. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import { type ErrorCode, type ErrorFields, isOutbandError, type OutbandError } from '../../src/index.js'
import { expectError } from '../thrown.js'

/** A test with a folder of its own, which is removed whatever happens. */
export function inFolder(run: (folder: string) => Promise<void> | void): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'outband-'))
    try {
      await run(folder)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}

/** Names in the folder, in order. */
export const namesIn = (folder: string): string[] => readdirSync(folder).sort()

/** What the promise rejects with. Fails when it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new assert.Assertion({
    message: 'it resolved',
    operator: 'rejects',
    expects: 'an error',
    actual: value,
  })
}

/** The error of ours that the promise rejects with: it has this code and these fields. */
export async function refused(
  promise: Promise<unknown>,
  code: ErrorCode,
  fields: ErrorFields = {},
): Promise<OutbandError> {
  return expectError(await rejection(promise), code, fields, /^(encode|decode|pack|unpack|file): /)
}

/** Node's own error that the promise rejects with. */
export async function failed(promise: Promise<unknown>, code: string): Promise<NodeJS.ErrnoException> {
  const error = (await rejection(promise)) as NodeJS.ErrnoException
  assert.not.ok(isOutbandError(error))
  assert.is(error.code, code, error.message)
  assert.type(error.syscall, 'string')
  return error
}

/** All values of a log or list, awaited one by one. */
export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const value of values) list.push(value)
  return list
}

/** Runs without stacks, which are most of the price of an error. */
export async function quietly(run: () => Promise<void>): Promise<void> {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    await run()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Path of a script beside the specs of files. */
export const script = (name: string): string => fileURLToPath(new URL(`${name}.js`, import.meta.url))

/** Whether a command is there and does what it is asked to. */
export const canRun = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0
