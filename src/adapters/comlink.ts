/**
 * Comlink: arguments, results and what is thrown as packets, by a transfer handler for every object that no other
 * handler wants, and one for errors in place of Comlink's own. Comlink asks handlers at the top of an argument only;
 * inside a packet they are asked at any depth, so that `{ onProgress: Comlink.proxy(f) }` is a callback.
 */
import type { Transfer } from '../carriers/carrier.js'
import { expectArgument } from '../errors.js'
import { type CustomType, defineType } from '../registry.js'
import { type AdapterOptions, isSealed, Seals } from './sealed.js'

export type { AdapterOptions } from './sealed.js'

/** A transfer handler, as far as it is needed. */
export interface Handler {
  canHandle(value: unknown): boolean
  serialize(value: unknown): [unknown, unknown[]]
  deserialize(value: unknown): unknown
}

/** Comlink, as far as it is needed: `import * as Comlink from 'comlink'`. */
export interface ComlinkLike {
  readonly transferHandlers: Map<string, Handler>
  wrap(endpoint: ComlinkEndpoint): unknown
}

/** What Comlink posts to and hears from. */
export interface ComlinkEndpoint {
  postMessage(message: unknown, list?: unknown[]): void
  addEventListener(type: string, listener: unknown): void
  removeEventListener(type: string, listener: unknown): void
}

const NAME = 'outband'
/** What Comlink tells the caller when a result cannot be posted, whatever the reason. */
const UNSERIALIZABLE = 'Unserializable return value'

/**
 * Makes Comlink send packets through all ports, from now on, until the returned function is called. Both
 * threads must do so. `Comlink.transfer`, `Comlink.proxy` and other handlers work as before, the latter two nested too.
 * @throws TypeError for what is no Comlink, for one that has been given packets already, or an option of the wrong type
 */
export function install(Comlink: ComlinkLike, options: AdapterOptions = {}): () => void {
  const handlers = Comlink?.transferHandlers
  expectArgument(handlers instanceof Map, 'Comlink', "what `import * as Comlink from 'comlink'` gives")
  const thrown = handlers.get('throw')
  expectArgument(thrown !== undefined && !handlers.has(NAME), 'Comlink', 'one without packets')
  const nested = new Nested(handlers)
  const seals = new Seals(options, nested.type)
  const lists = new Lists(Comlink)
  const failures = new Failures()
  const isOurs = (value: unknown) => isObject(value) || typeof value === 'symbol'
  handlers.set(NAME, {
    canHandle: value => isOurs(value) && !lists.isAsking && nested.handlerOf(value) === undefined,
    serialize: value => {
      try {
        const list = isObject(value) ? lists.of(value) : []
        const { message, list: moving } = nested.within(wish(list, options.transfer), transfer =>
          seals.seal(value, transfer),
        )
        return [message, moving]
      } catch (error) {
        return [failures.poison(error), []]
      }
    },
    deserialize: message => {
      try {
        return seals.open(message)
      } catch (error) {
        return broken(error)
      }
    },
  })
  handlers.set('throw', {
    canHandle: value => thrown.canHandle(value),
    serialize: marked => {
      const { value } = marked as { value: unknown }
      const { message, list } = nested.within([], () => seals.sealThrown(failures.explained(value)))
      return [message, list]
    },
    deserialize: message => (isSealed(message) ? seals.open(message) : thrown.deserialize(message)),
  })
  return () => {
    handlers.delete(NAME)
    handlers.set('throw', thrown)
  }
}

/** What was listed for a value goes before what is usual; a list is fresh, for nested handlers to add to. */
function wish(list: readonly object[], usual: Transfer = false): true | object[] {
  if (list.length > 0) return [...list]
  return typeof usual === 'boolean' ? usual || [] : [...usual]
}

/** A function too: proxied ones are. */
function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

interface Handled {
  readonly name: string
  readonly value: unknown
}

/** Comlink's other handlers, as a custom type of whatever one of them wants. */
class Nested {
  readonly #handlers: Map<string, Handler>
  /** What handlers made of the objects of the packet that is being written; undefined: it stays as it is. */
  #made = new Map<unknown, Handled | undefined>()
  #transfer: true | object[] = []

  constructor(handlers: Map<string, Handler>) {
    this.#handlers = handlers
  }

  readonly type: CustomType = defineType<unknown, Handled>({
    tag: 'comlink',
    is: (value: unknown) => this.#handled(value) !== undefined,
    reduce: value => this.#handled(value) as Handled,
    rebuild: ({ name, value }) => {
      const handler = this.#handlers.get(name)
      expectArgument(handler !== undefined, 'Comlink.transferHandlers', `a handler named ${name}`)
      return handler.deserialize(value)
    },
  })

  handlerOf(value: unknown): [name: string, handler: Handler] | undefined {
    for (const entry of this.#handlers) {
      if (entry[0] !== NAME && entry[0] !== 'throw' && entry[1].canHandle(value)) return entry
    }
    return undefined
  }

  /** Seals with a list that handlers of nested values may add to. */
  within<T>(transfer: true | object[], seal: (transfer: true | object[]) => T): T {
    const outer = [this.#made, this.#transfer] as const
    this.#made = new Map()
    this.#transfer = transfer
    try {
      return seal(transfer)
    } finally {
      ;[this.#made, this.#transfer] = outer
    }
  }

  /** Once for each object: a proxy opens a channel. */
  #handled(value: unknown): Handled | undefined {
    if (this.#made.has(value)) return this.#made.get(value)
    const found = this.handlerOf(value)
    if (found === undefined) return undefined
    const [made, list] = found[1].serialize(value)
    if (this.#transfer !== true) this.#transfer.push(...(list as object[]))
    // What a handler made is not for handlers; one that only names what moves leaves the object as it is.
    this.#made.set(made, undefined)
    const handled = made === value ? undefined : { name: found[0], value: made }
    this.#made.set(value, handled)
    return handled
  }
}

type Answer = (event: { data: { id: unknown; type: 'RAW' } }) => void

/**
 * What `Comlink.transfer` was told about a value. Comlink keeps that to itself, but posts it, so it is made to post
 * the value to nobody.
 */
class Lists {
  isAsking = false
  readonly #post: (value: object) => unknown
  #list: readonly object[] = []

  constructor(Comlink: ComlinkLike) {
    let answer: Answer | undefined
    this.#post = Comlink.wrap({
      postMessage: (message, list = []) => {
        this.#list = list as object[]
        answer?.({ data: { id: (message as { id: unknown }).id, type: 'RAW' } })
      },
      addEventListener: (_, listener) => {
        answer = listener as Answer
      },
      removeEventListener: () => {},
    }) as (value: object) => unknown
  }

  of(value: object): readonly object[] {
    this.isAsking = true
    try {
      this.#post(value)
      return this.#list
    } finally {
      this.isAsking = false
      this.#list = []
    }
  }
}

/**
 * Values that cannot be sealed. In their place goes an object that throws as the port reads it: so an argument rejects
 * its call. Of a result Comlink then says only that it is none, in the microtask that follows: there it is explained.
 */
class Failures {
  #last: unknown

  poison(error: unknown): object {
    return Object.defineProperty({}, 'value', {
      enumerable: true,
      get: () => {
        queueMicrotask(() => {
          this.#last = error
          queueMicrotask(() => {
            this.#last = undefined
          })
        })
        throw error
      },
    })
  }

  explained(value: unknown): unknown {
    const isUnexplained = value instanceof TypeError && value.message === UNSERIALIZABLE
    return isUnexplained && this.#last !== undefined ? this.#last : value
  }
}

/**
 * Stands for a value that could not be read. Comlink would leave the call of such an argument without any answer; this
 * throws when it is first touched, by the function that was called, or by the promise of the result.
 */
function broken(error: unknown): unknown {
  const fail = () => {
    throw error
  }
  return new Proxy(fail, new Proxy({}, { get: () => fail }))
}
