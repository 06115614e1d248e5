/** A reader in a process or thread of its own: does what it is asked to by messages, and answers each. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import { Random } from '../../fixtures/random.js'
import { decode, encode, isReadonly, type Packet } from '../../src/index.js'
import { Mapping } from '../../src/memory/mapping.js'
import { openOf } from '../../src/memory/memfd.js'
import { ArenaReader, type ArenaTicket, release, SharedArena } from '../../src/shm/index.js'
import { collect } from '../collect.js'

/** What a value holds. */
export interface Seen {
  /** Of each array: its bytes, summed up. */
  readonly sums: number[]
  readonly readonly: boolean[]
}

type Value = Record<string, Uint8Array>

let reader: ArenaReader | undefined
const values = new Map<number, unknown>()
let last = 0

const sumOf = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => (sum + byte) | 0, 0)
const arraysOf = (value: unknown): Uint8Array[] => Object.values(value as Value)

/** Collects until it is so, or for a hundred times. */
async function collectUntil(isSo: () => boolean): Promise<void> {
  for (let round = 0; round < 100 && !isSo(); round++) {
    collect()
    await sleep(1)
  }
}

const mapped = (): number => readFileSync('/proc/self/maps', 'utf8').match(/ \/memfd:outband/g)?.length ?? 0
const descriptors = (): number =>
  readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('/memfd:outband')
    } catch {
      return false
    }
  }).length

/** What can be asked. */
const tasks = {
  attach(ticket: ArenaTicket): void {
    reader = ArenaReader.attach(ticket)
  },
  /** Opens a packet and keeps its value under the number that it answers. */
  open(packet: Packet): number {
    values.set(++last, decode(reader!.open(packet)))
    return last
  },
  see(number: number): Seen {
    const arrays = arraysOf(values.get(number))
    return { sums: arrays.map(sumOf), readonly: arrays.map(isReadonly) }
  },
  release(number: number): void {
    release(values.get(number))
  },
  /** Opens, looks, and releases. */
  pass(packet: Packet): Seen {
    const number = tasks.open(packet)
    const seen = tasks.see(number)
    release(values.get(number))
    values.delete(number)
    return seen
  },
  /** Keeps only a piece of the first array of a value. */
  keepPiece(number: number): void {
    values.set(number, { piece: arraysOf(values.get(number))[0]!.subarray(0, 10) })
  },
  async drop(number: number): Promise<void> {
    values.delete(number)
    let rounds = 0
    await collectUntil(() => rounds++ === 5)
  },
  /** Reads what was released so many times, at random places. */
  readAfter(number: number, times: number): number {
    const random = new Random(number)
    const arrays = arraysOf(values.get(number))
    let read = 0
    for (let i = 0; i < times; i++) {
      const bytes = random.pick(arrays)
      if (bytes[random.int(0, bytes.length)]! >= 0) read++
    }
    return read
  },
  /** Writes nonsense over the table of leases of a ticket, so many words. */
  scribble({ pid, table }: ArenaTicket, words: number): number {
    const random = new Random(574)
    const fd = openOf(pid, table)
    const byteLength = 128 + 8 * 64
    const all = new Int32Array(Mapping.open(fd, byteLength).window(0, byteLength))
    for (let i = 0; i < words; i++) {
      Atomics.store(
        all,
        random.int(0, all.length),
        random.chance(0.5) ? random.int(0, 50) : random.int(-(2 ** 31), 2 ** 31),
      )
    }
    return words
  },
  /** Is the owner of an arena itself: arrays are made, forgotten and collected. */
  async own(): Promise<number[]> {
    const arena = SharedArena.create({ byteLength: 2 ** 20 })
    const make = (): number => {
      for (let i = 0; i < 50; i++) arena.alloc(Float64Array, 1000).fill(i)
      return arena.stats.blocks
    }
    const made = make()
    const kept = arena.alloc(Uint8Array, 100).subarray(3, 5)
    await collectUntil(() => arena.stats.blocks === 1)
    const left = arena.stats.blocks
    const all = [made, left, kept.length]
    arena.close()
    return all
  },
  /** Makes an arena with a reader and forgets both: what is mapped and open then. */
  async forget(): Promise<number[]> {
    const use = (): number => {
      const arena = SharedArena.create({ byteLength: 2 ** 20 })
      const lender = arena.lender()
      const own = ArenaReader.attach(lender.ticket)
      const value = decode<Uint8Array[]>(own.open(lender.lend(encode([arena.alloc(Uint8Array, 5000)]))))
      return value[0]!.length + descriptors()
    }
    const used = use()
    await collectUntil(() => mapped() + descriptors() === 0)
    return [used, mapped(), descriptors()]
  },
  /** Mappings of memory files that this process has when what can be collected is. */
  async mapped(): Promise<number> {
    await collectUntil(() => mapped() === 0)
    return mapped()
  },
  close(): void {
    reader!.close()
    reader = undefined
  },
}

export type Task = keyof typeof tasks

const answer = (message: unknown): void => {
  if (parentPort !== null) parentPort.postMessage(message)
  else process.send!(message)
}

;(parentPort ?? process).on('message', async ({ task, args }: { task: Task; args: never[] }) => {
  try {
    answer({ result: await (tasks[task] as (...args: unknown[]) => unknown)(...args) })
  } catch (error) {
    answer({ code: (error as { code?: string }).code ?? String(error) })
  }
})
