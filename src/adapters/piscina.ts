/**
 * Piscina and Tinypool: tasks, results and errors as packets, over the pool's own ports and by its own rules for what
 * moves. Nothing is posted beside the pool's messages: its workers block as soon as they have answered.
 */
import type { Transfer } from '../carriers/carrier.js'
import { expectArgument } from '../errors.js'
import { faceOf } from './face.js'
import { type AdapterOptions, CALL, expectCall, refused, type Sealed, Seals } from './sealed.js'

export { type AdapterOptions, transfer } from './sealed.js'

/** A Piscina or Tinypool, as far as it is needed. */
export interface PoolLike {
  run(task: never, options?: never): Promise<unknown>
}

/** The class of the pool. */
export interface PoolClass {
  move(value: never): unknown
  readonly transferableSymbol: symbol
  readonly valueSymbol: symbol
}

/** What a wrapped pool does differently. */
export interface WrappedPool<P extends PoolLike> {
  /**
   * As the pool's own, with `transfer` for what moves with this task. What is copied is copied before this returns;
   * what moves does so when the pool posts the task, and stays if it refuses it.
   */
  run(
    task: Parameters<P['run']>[0],
    options?: Parameters<P['run']>[1] & { readonly transfer?: Transfer | undefined },
  ): ReturnType<P['run']>
}

/** A handler as the pool calls it: packets in, packets out. */
export type WrappedTask = (message: unknown) => Promise<unknown>

interface RunOptions {
  readonly transfer?: Transfer | undefined
  readonly transferList?: readonly object[] | undefined
  readonly runtime?: string | undefined
}
interface AnyPool {
  readonly constructor: unknown
  readonly options?: { readonly runtime?: string }
  run(task: unknown, options: object | null): Promise<unknown>
}
type Movable = Record<symbol, unknown>

/**
 * The pool, with packets in `run`; everything else is the pool's own. The handlers must be wrapped by `wrapTask`.
 * @throws TypeError for what is no pool, or an option of the wrong type
 */
export function wrapPool<P extends PoolLike>(pool: P, options: AdapterOptions = {}): P & WrappedPool<P> {
  expectArgument(typeof pool?.run === 'function', 'pool', 'a Piscina or a Tinypool')
  const seals = new Seals(options)
  const target = pool as unknown as AnyPool
  const Pool = target.constructor as PoolClass
  const run = async (task: unknown, runOptions: RunOptions | null = {}) => {
    const { transfer, transferList, ...rest } = runOptions ?? {}
    const runtime = rest.runtime ?? target.options?.runtime
    expectArgument(
      runtime !== 'child_process',
      'runtime',
      "'worker_threads': a process cannot be handed packets",
    )
    const { value, list } = unwrapped(Pool, task)
    const isUsual = isObject(runOptions) && (transferList === undefined || Array.isArray(transferList))
    const wish = isUsual ? (transferList ?? list ?? transfer ?? undefined) : false
    const sealed = seals.seal(value, wish, CALL)
    const message = withQueueOptions(sealed, value)
    let answer: unknown
    try {
      // Options that are none go as they came: whether they are refused is the pool's to say.
      answer = await target.run(message, isUsual ? { ...rest, transferList: sealed.list } : runOptions)
    } catch (error) {
      throw refused(error)
    }
    return seals.open(answer)
  }
  return faceOf(pool, { run }) as P & WrappedPool<P>
}

/**
 * A handler for a worker's file, to be exported in place of the one it takes: `export default wrapTask(Piscina, task)`.
 * What the handler returns by `Piscina.move` or `transfer` moves, or, with the option `transfer`, all that can.
 */
export function wrapTask<In, Out>(
  Pool: PoolClass,
  handler: (task: In) => Out | PromiseLike<Out>,
  options: AdapterOptions = {},
): WrappedTask {
  expectArgument(typeof Pool?.move === 'function', 'Pool', 'the class Piscina or Tinypool')
  expectArgument(typeof handler === 'function', 'handler', 'a function')
  const seals = new Seals(options)
  const move = (value: object): unknown => Pool.move(value as never)
  return async message => {
    // A pool that nobody wrapped would take a packet for a result: thrown as it is, it is an error there too.
    expectCall(message)
    const { message: answer, list } = await answered(seals, async () => {
      const { value, list } = unwrapped(Pool, await handler(seals.openCall(message) as In))
      return seals.sealNow(value, list)
    })
    return move({ [Pool.transferableSymbol]: list, [Pool.valueSymbol]: answer })
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

async function answered(seals: Seals, answer: () => Promise<Sealed>): Promise<Sealed> {
  try {
    return await answer()
  } catch (error) {
    return seals.sealThrown(error)
  }
}

/** What `Piscina.move` made, taken apart. */
function unwrapped(Pool: PoolClass, value: unknown): { value: unknown; list?: readonly object[] } {
  const { transferableSymbol, valueSymbol } = Pool
  if (typeof value !== 'object' || value === null) return { value }
  if (!(transferableSymbol in value && valueSymbol in value)) return { value }
  const list = (value as Movable)[transferableSymbol]
  return { value: (value as Movable)[valueSymbol], list: [list].flat() as object[] }
}

const QUEUE_OPTIONS = ['Piscina', 'Tinypool'].map(name => Symbol.for(`${name}.queueOptions`))

/** The message with what a task tells the queue, which stays on this side. */
function withQueueOptions({ message }: Sealed, task: unknown): unknown {
  for (const symbol of QUEUE_OPTIONS) {
    const options: unknown = typeof task === 'object' ? (task as Movable | null)?.[symbol] : undefined
    if (options !== undefined) Object.assign(message, { [symbol]: options })
  }
  return message
}
