/** What both sides of an adapter's spec share: custom types, a value that is hard to carry, and methods to call. */
import { runInNewContext } from 'node:vm'
import { OutbandError } from '../../src/errors.js'
import { defineType, registry } from '../../src/registry.js'

export class Tensor {
  constructor(
    readonly values: Float32Array,
    readonly shape: number[],
  ) {}
}

export class QuotaError extends Error {
  override readonly name = 'QuotaError'
  constructor(
    message: string,
    readonly code: string,
    readonly left: Float64Array,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** Registered on one side only. */
export class Foreign {
  readonly secret = 1
}

const tensor = defineType({
  class: Tensor,
  tag: 'tensor',
  reduce: ({ values, shape }: Tensor) => ({ values, shape }),
  rebuild: ({ values, shape }) => new Tensor(values, shape),
})
const quotaError = defineType({
  class: QuotaError,
  tag: 'quota',
  reduce: ({ message, code, left, cause }: QuotaError) => ({ message, code, left, cause }),
  rebuild: ({ message, code, left, cause }) => new QuotaError(message, code, left, { cause }),
})
const foreign = defineType({
  class: Foreign,
  tag: 'foreign',
  reduce: () => null,
  rebuild: () => new Foreign(),
})

export const types = registry(tensor, quotaError)
export const moreTypes = registry(tensor, quotaError, foreign)

/** Much of what structured clone loses, with views on both sides of the threshold. */
export function sample() {
  const memory = new Float64Array(2048).map((_, i) => i / 3)
  return {
    zero: -0,
    big: 2n ** 70n,
    when: new Date(7),
    map: new Map<unknown, unknown>([[1, { deep: new Uint16Array([1, 2, 3]) }]]),
    bytes: Buffer.from('ten bytes!'),
    head: memory.subarray(0, 1024),
    whole: memory,
    tensor: new Tensor(new Float32Array([1, 2, 3, 4]), [2, 2]),
    bare: Object.assign(Object.create(null) as object, { x: 1 }),
    holes: [1, , 3],
  }
}

/** As Axios has them: what it was called with is among its fields, functions and all. */
export function oddError(): Error {
  const error = new RangeError('odd', { cause: { at: 7 } })
  Object.defineProperty(error, 'name', { value: 'OddError' })
  const config = { url: '/', transform: [() => {}] }
  return Object.assign(error, { code: 'EODD', status: 404, config, toJSON: () => {}, again: error })
}

/** Methods of a worker, the same for each library. */
export const api = {
  echo: (value: unknown): unknown => value,
  sum: (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0),
  /** Bytes of the memory under a view, as it arrived. */
  room: (view: ArrayBufferView): number => view.buffer.byteLength,
  classOf: (value: object): string => value.constructor.name,
  fill: (length: number): Float64Array => new Float64Array(length).fill(length),
  /** A part of a pool. */
  pooled: (): Uint8Array => Buffer.from('ten bytes!'),
  quota: (): never => {
    throw new QuotaError('no room', 'QUOTA', new Float64Array(1000).fill(4), {
      cause: new RangeError('too far'),
    })
  },
  plain: (): never => {
    throw Object.assign(new TypeError('plain', { cause: { at: 7 } }), { code: 'EPLAIN', path: ['a'] })
  },
  ours: (): never => {
    throw new OutbandError('TORN', 'ours', { offset: 9, cause: new Error('beneath') })
  },
  odd: (): never => {
    throw oddError()
  },
  oddElsewhere: (): never => {
    throw runInNewContext(
      "Object.assign(new RangeError('odd', { cause: [new Error('beneath')] }), { code: 'EODD', config: { transform: [() => {}] } })",
    )
  },
  oddBeneath: (): never => {
    throw new QuotaError('no room', 'QUOTA', new Float64Array(1000), {
      cause: new AggregateError([oddError(), new Error('well')]),
    })
  },
  unreadable: (): never => {
    throw Object.defineProperty(Object.assign(new Error('unreadable'), { code: 'EREAD' }), 'later', {
      enumerable: true,
      get: () => {
        throw new Error('too early')
      },
    })
  },
  hollow: (): never => {
    throw { handler: () => {} }
  },
  literal: (): never => {
    throw 'a string'
  },
  unsendable: (): unknown => ({ rows: [{ done: () => {} }] }),
  foreign: (): unknown => new Foreign(),
  hang: (): Promise<never> => new Promise(() => {}),
  /** Ends the thread by an error that nobody takes. */
  crash: (): Promise<never> =>
    new Promise(() => {
      setTimeout(() => {
        throw new Error('crash')
      })
    }),
  die: (): never => process.exit(3),
}

export type Api = typeof api
