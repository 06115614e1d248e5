/** Children of the specs, none of which outlives its test. */
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import { values } from '../../fixtures/values.js'
import type { Channel } from '../../src/channel.js'
import { isOutbandError, type OutbandError } from '../../src/index.js'
import { type ChildChannel, type ForkOptions, forkChannel } from '../../src/process/index.js'
import { within } from '../carriers/inbox.js'
import { difference } from '../same.js'

export const script = fileURLToPath(new URL('child.js', import.meta.url))

export interface Numbered {
  readonly i: number
  readonly bytes: Uint8Array
}

/** A test with a child that plays a role of `child.ts`. */
export const withChild =
  <In = unknown>(
    role: string,
    run: (channel: ChildChannel<In, unknown>) => unknown,
    options: ForkOptions = {},
  ) =>
  (): Promise<void> =>
    withChannel(() => forkChannel<In, unknown>(script, role.split(' '), options), run)

/** Runs with a channel, and ends its child. */
export async function withChannel<In>(
  start: () => ChildChannel<In, unknown>,
  run: (channel: ChildChannel<In, unknown>) => unknown,
): Promise<void> {
  const channel = start()
  const closed = new Promise(resolve => channel.child.once('close', resolve))
  try {
    await run(channel)
  } finally {
    channel.kill('SIGKILL')
    await within(closed, "the child's 'close'")
  }
}

/** What the promise rejects with, an error of ours. */
export async function errorOf(promise: Promise<unknown>): Promise<OutbandError> {
  const error = await within(
    promise.then(
      value => new Error(`nothing was thrown, but ${String(value)} returned`),
      thrown => thrown,
    ),
    'a rejection',
  )
  if (!isOutbandError(error)) throw error
  return error
}

/** So many values; all of them, in order, from the first to the end of the channel, however it comes, for Infinity. */
export async function take<In>(channel: AsyncIterable<In>, count = Number.POSITIVE_INFINITY): Promise<In[]> {
  const taken: In[] = []
  const loop = async () => {
    try {
      for await (const value of channel) if (taken.push(value) >= count) return
    } catch (error) {
      if (!isOutbandError(error) || count !== Number.POSITIVE_INFINITY) throw error
    }
  }
  await within(loop(), `${count} values`)
  return taken
}

/** An array that tells its number. */
export const numbered = (i: number, length = 10): Numbered => ({ i, bytes: new Uint8Array(length).fill(i) })

/** The numbers, of arrays that are as they were sent. */
export function numbersOf(values: readonly Numbered[]): number[] {
  return values.map(({ i, bytes }) => {
    if (bytes.some(byte => byte !== (i & 255))) throw new Error(`array ${i} is not what was sent`)
    return i
  })
}

/** Asserts that every value comes back equal from a peer that echoes, or one in `step`. */
export async function expectEcho(channel: Channel, step = 1): Promise<void> {
  const rows = values.filter(({ isShared }, at) => !isShared && at % step === 0)
  const sent = rows.map(row => row.make())
  for (const value of sent) void channel.send(value)
  const back = await take(channel, rows.length)
  for (const [at, row] of rows.entries()) {
    const found = difference(row.arrives?.(sent[at] as never) ?? sent[at], back[at])
    assert.is(found, undefined, `${row.name}: ${found}`)
  }
}
