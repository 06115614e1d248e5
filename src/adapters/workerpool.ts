/**
 * workerpool: parameters, results and errors as packets, inside the pool's own messages, for methods that a worker
 * registers. Functions that the pool sends as text (`exec(function)`), and events, go as they always did.
 */
import type { Transfer } from '../carriers/carrier.js'
import { expectArgument } from '../errors.js'
import { faceOf } from './face.js'
import { type AdapterOptions, CALL, expectCall, type Sealed, Seals } from './sealed.js'

export { type AdapterOptions, transfer } from './sealed.js'

type Method = (...params: never[]) => unknown
type AnyMethod = (...params: unknown[]) => unknown
type Methods = { readonly [name: string]: Method }

/** A pool of workerpool's, as far as it is needed. */
export interface PoolLike {
  exec(method: string, params?: never, options?: never): unknown
  proxy(): unknown
}

/** The part of the package `workerpool` that is used. */
export interface WorkerpoolLike {
  readonly Transfer: new (message: object, transfer: object[]) => object
}

/** workerpool's promise, which is good for the platform's. Those that come of it cancel the same task. */
export interface PoolPromise<T> extends Promise<T> {
  readonly resolved: boolean
  readonly rejected: boolean
  readonly pending: boolean
  then<U = T, V = never>(
    onSuccess?: ((value: T) => U | PromiseLike<U>) | null,
    onFail?: ((error: Error) => V | PromiseLike<V>) | null,
  ): PoolPromise<U | V>
  catch<U = never>(onFail?: ((error: Error) => U | PromiseLike<U>) | null): PoolPromise<T | U>
  finally(onEnd?: (() => void) | null): PoolPromise<T>
  /** `then` with the same for both. */
  always<U>(onEnd: () => U | PromiseLike<U>): PoolPromise<U>
  /** Rejects, and ends the worker if the task has begun. */
  cancel(): this
  timeout(delayMs: number): this
}

/** Options of one `exec`. */
export interface ExecOptions {
  readonly transfer?: Transfer | undefined
  readonly on?: ((payload: unknown) => unknown) | undefined
  readonly metadata?: unknown
}

/** What a wrapped pool does differently. */
export interface WrappedPool {
  /**
   * As the pool's own, with `transfer` for what moves. What is copied or moves has done so when this returns, also if
   * the task waits for a worker.
   * @throws what `encode` throws; NOT_TRANSFERABLE with `strict`; what the pool throws when its queue is full
   */
  exec(method: string, params?: unknown[] | null, options?: ExecOptions): PoolPromise<unknown>
  exec<M extends Method>(
    method: string | M,
    params?: Parameters<M> | null,
    options?: ExecOptions,
  ): PoolPromise<Awaited<ReturnType<M>>>
  proxy<M extends Methods = Record<string, AnyMethod>>(): PoolPromise<{
    [Name in keyof M]: (...params: Parameters<M[Name]>) => PoolPromise<Awaited<ReturnType<M[Name]>>>
  }>
}

interface AnyPool {
  readonly workerType?: string
  readonly maxQueueSize?: number
  exec(method: unknown, params?: unknown, options?: object | null): PoolPromise<unknown>
  proxy(): PoolPromise<object>
  stats(): { readonly pendingTasks: number }
}

/** What every worker answers itself. */
const BUILT_IN: ReadonlySet<unknown> = new Set(['run', 'methods'])

/**
 * The pool, with packets in `exec` and in what `proxy` gives. The worker's methods must be wrapped by `wrapMethods`.
 * @throws TypeError for what is no pool, a pool of processes, or an option of the wrong type
 */
export function wrapPool<P extends PoolLike>(
  pool: P,
  options: AdapterOptions = {},
): Omit<P, 'exec' | 'proxy'> & WrappedPool {
  const target = pool as unknown as AnyPool
  expectArgument(typeof target?.exec === 'function', 'pool', 'what workerpool.pool() gives')
  expectArgument(target.workerType !== 'process', 'workerType', 'threads: a process cannot be handed packets')
  const seals = new Seals(options)
  const exec = (method: unknown, params: unknown[] | null = null, execOptions: ExecOptions | null = {}) => {
    const isFull = target.stats().pendingTasks >= (target.maxQueueSize ?? Number.POSITIVE_INFINITY)
    // A full queue refuses by itself, before anything moves.
    const isTheirs = typeof method !== 'string' || BUILT_IN.has(method) || isFull
    const isList = params === null || Array.isArray(params)
    if (isTheirs || !isList) return target.exec(method, params, execOptions)
    const { transfer, ...rest } = execOptions ?? {}
    const { message, list } = seals.sealNow(params ?? [], transfer ?? undefined, CALL)
    return target.exec(method, [message], { ...rest, transfer: list }).then(answer => seals.open(answer))
  }
  const proxy = () =>
    target.proxy().then(native => {
      const names = Object.keys(native)
      return Object.fromEntries(names.map(name => [name, (...params: unknown[]) => exec(name, params)]))
    })
  return faceOf(pool, { exec, proxy }) as Omit<P, 'exec' | 'proxy'> & WrappedPool
}

/** A method as the pool calls it: a packet in, a packet out. */
export type WrappedMethod = (message: unknown) => Promise<unknown>

/**
 * Methods for a worker to register: `workerpool.worker(wrapMethods(workerpool, { … }))`. What one returns as a
 * `workerpool.Transfer` or by `transfer` moves, or with the option `transfer`, all that can.
 * @throws TypeError for `run` and `methods`, which workerpool answers itself, or an option of the wrong type
 */
export function wrapMethods<M extends Methods>(
  workerpool: WorkerpoolLike,
  methods: M,
  options: AdapterOptions = {},
): { [Name in keyof M]: WrappedMethod } {
  const Transfer = workerpool?.Transfer
  expectArgument(typeof Transfer === 'function', 'workerpool', 'the package workerpool')
  const seals = new Seals(options)
  const seal = (result: unknown): Sealed => {
    if (!(result instanceof Transfer)) return seals.sealNow(result)
    const { message, transfer } = result as { message: unknown; transfer: object[] }
    return seals.sealNow(message, transfer)
  }
  const wrapped = Object.entries(methods).map(([name, method]) => {
    expectArgument(!BUILT_IN.has(name), `method ${name}`, 'another name')
    return [name, wrappedMethod(Transfer, seals, seal, method)]
  })
  return Object.fromEntries(wrapped) as { [Name in keyof M]: WrappedMethod }
}

function wrappedMethod(
  Transfer: WorkerpoolLike['Transfer'],
  seals: Seals,
  seal: (result: unknown) => Sealed,
  method: Method,
): WrappedMethod {
  // Not an arrow: workerpool calls a method on itself and puts `worker` there.
  return async function (this: unknown, packet: unknown) {
    // A pool that nobody wrapped would take a packet for a result: thrown as it is, it is an error there too.
    expectCall(packet)
    let sealed: Sealed
    try {
      sealed = seal(await Reflect.apply(method, this, seals.openCall(packet) as never[]))
    } catch (error) {
      sealed = seals.sealThrown(error)
    }
    return new Transfer(sealed.message as object, sealed.list)
  }
}
