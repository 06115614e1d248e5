/** What the specs of arenas share: an arena that goes away, readers of it, and packets between them. */
import * as assert from 'uvu/assert'
import { decode, type ErrorCode, type ErrorFields, encode, isOutbandError } from '../../src/index.js'
import { type ArenaLender, type ArenaOptions, ArenaReader, SharedArena } from '../../src/shm/index.js'
import { expectError, thrown } from '../thrown.js'

/** Those that `endsOf` attached. */
const readers = new WeakMap<SharedArena, ArenaReader[]>()

/** A test with an arena of 1 MiB, unless `options` say otherwise; it is closed whatever happens. */
export function withArena(
  run: (arena: SharedArena) => Promise<void> | void,
  options: Partial<ArenaOptions> = {},
): () => Promise<void> {
  return async () => {
    const arena = SharedArena.create({ byteLength: 2 ** 20, ...options })
    try {
      await run(arena)
    } finally {
      for (const reader of readers.get(arena) ?? []) reader.close()
      arena.close()
    }
  }
}

/** The two ends of one reader, both in this process. */
export interface Ends {
  readonly lender: ArenaLender
  readonly reader: ArenaReader
  /** Sends a value from one to the other. */
  send<T>(value: T): T
}

export function endsOf(arena: SharedArena, options?: { reuse: boolean }): Ends {
  const lender = arena.lender()
  const reader = ArenaReader.attach(lender.ticket, options)
  readers.set(arena, [...(readers.get(arena) ?? []), reader])
  const send = <T>(value: T): T =>
    decode<T>(reader.open(lender.lend(encode(value, { bufferCallback: arena.bufferCallback }))))
  return { lender, reader, send }
}

/** The error of ours that `run` throws: it has this code, these fields, and says where in its message. */
export function refused(run: () => unknown, code: ErrorCode, fields: ErrorFields = {}): void {
  expectError(thrown(run), code, fields, /^(arena|release|memory|encode): /)
}

/** The error of ours that the promise rejects with has this code. */
export async function rejects(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await promise.then(
    () => 'it resolved',
    error => error,
  )
  assert.ok(isOutbandError(error, code), String(error))
}
