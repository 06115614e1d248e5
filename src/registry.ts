/**
 * Custom types: a value is reduced to parts, parts are rebuilt to a value. A registry is immutable and
 * passed as an option; nothing is ever registered globally, so two libraries in one process cannot meet.
 */
import { branded } from './brand.js'
import { expectArgument, expectObject } from './errors.js'
import type { IsAny, OutOfBand } from './out-of-band.js'

type Class<T> = abstract new (...args: never[]) => T
/** Also a class whose constructor is private. */
type AnyClass = { readonly prototype: unknown }
/** What a class makes. Its constructor tells it better: of a generic one the prototype has `any` in it. Functions are no classes. */
type Made<C extends AnyClass> =
  C extends Class<infer T> ? T : 0 extends 1 & C['prototype'] ? never : C['prototype']

interface Named {
  /** Name on the wire; both sides must use the same. Any string but the empty one, unique in its registry. */
  readonly tag: string
  /** Whether its values read bytes that cannot be checked: refused where `limits.unverified` is false. */
  readonly unverified?: boolean | undefined
}
/** Which values are meant: instances of a class (also of unregistered subclasses), or those a predicate accepts. */
type Selector<T> =
  | { readonly class: Class<T>; readonly is?: never }
  | { readonly is: (value: unknown) => value is T; readonly class?: never }
  | { readonly is: (value: unknown) => boolean; readonly class?: never }

/** What arrives of parts: where `outOfBand` stood, the bare view; all else as it was. */
type Arrived<P> =
  IsAny<P> extends true
    ? P
    : P extends OutOfBand<infer V>
      ? V
      : true extends Wraps<P>
        ? { [Key in keyof P]: Arrived<P[Key]> }
        : P

/** Whether `outOfBand` stands somewhere: without it a type stays as it is, private fields of classes and all. */
type Wraps<P, Levels extends 1[] = []> =
  IsAny<P> extends true
    ? false
    : Levels['length'] extends 4
      ? false
      : P extends OutOfBand
        ? true
        : P extends readonly (infer Item)[]
          ? Wraps<Item, [...Levels, 1]>
          : P extends ArrayBufferView | ((...args: never[]) => unknown)
            ? false
            : P extends object
              ? { [Key in keyof P]: Wraps<P[Key], [...Levels, 1]> }[keyof P]
              : false

/** Rebuilt in one step. Cycles through the value are refused: its parts exist before it does. */
interface OneStep<T, P, A> {
  /** Any value: plain data, views, other custom values. Borrowed until encode returns. */
  readonly reduce: (value: T) => P
  readonly rebuild: (parts: A) => T
  readonly create?: never
  readonly fill?: never
}
/** Created empty, then filled, so that its parts may refer back to it. */
interface TwoStep<T, P, A> {
  readonly reduce: (value: T) => P
  readonly create: () => T
  readonly fill: (target: T, parts: A) => void
  readonly rebuild?: never
}

/** What `defineType` takes: a tag, which values it is for, and how they are taken apart and rebuilt, of parts that arrive as `A`. */
export type TypeDefinition<T, P, A = P> = Named & Selector<T> & (OneStep<T, P, A> | TwoStep<T, P, A>)

/** The same by the type of the class itself: of a generic one, `T` could not be told while `reduce` is looked at. */
type ClassDefinition<C extends AnyClass, P> = Named & { readonly class: C; readonly is?: never } & (
    | OneStep<Made<C>, P, Arrived<P>>
    | TwoStep<Made<C>, P, Arrived<P>>
  )

/** A custom type, ready for `registry`. Made by `defineType`. */
export interface CustomType<T = unknown> {
  readonly tag: string
  readonly class: AnyClass | undefined
  readonly is: ((value: unknown) => boolean) | undefined
  reduce(value: T): unknown
  readonly rebuild: ((parts: never) => T) | undefined
  readonly create: (() => T) | undefined
  readonly fill: ((target: never, parts: never) => void) | undefined
  readonly unverified: boolean
}

/**
 * Defines how values of a class, or values that a predicate accepts, travel.
 * @throws TypeError when the tag, the selector or one of the functions is missing.
 */
export function defineType<C extends AnyClass, P>(definition: ClassDefinition<C, P>): CustomType<Made<C>>
/** The same for a predicate, or with the type said: `defineType<Point, number[]>(…)`. */
export function defineType<T, P>(definition: TypeDefinition<T, P, Arrived<P>>): CustomType<T>
/** The same where `P` is a parameter of the caller's own, of which it cannot be told what arrives. */
export function defineType<T, P>(definition: TypeDefinition<T, P>): CustomType<T>
export function defineType<T, P>(definition: TypeDefinition<T, P>): CustomType<T> {
  expectObject(definition, 'defineType')
  const { tag, class: of, is, reduce, rebuild, create, fill, unverified = false } = definition
  const isFunction = (part: unknown) => typeof part === 'function'
  expectArgument(typeof tag === 'string' && tag !== '', 'defineType', 'a tag, a non-empty string')
  // An arrow function or a bound one is no class: no value would ever be found to be an instance.
  const isClass = isFunction(of) && of?.prototype
  expectArgument(
    is === undefined ? isClass : isFunction(is) && !of,
    `defineType ${tag}`,
    'either class or is',
  )
  const oneStep = isFunction(rebuild) && !create && !fill
  const twoSteps = isFunction(create) && isFunction(fill) && !rebuild
  expectArgument(
    isFunction(reduce) && (oneStep || twoSteps),
    `defineType ${tag}`,
    'reduce, and rebuild or create and fill',
  )
  const says = is ?? instanceTest(of as Class<T>)
  return Object.freeze({ tag, class: of, is: says, reduce, rebuild, create, fill, unverified })
}

/** For a class that says itself what its instances are (`Symbol.hasInstance`, as zod's do): they may have any prototype. */
function instanceTest(of: Class<unknown>): ((value: unknown) => boolean) | undefined {
  const isPlain = of[Symbol.hasInstance] === Function.prototype[Symbol.hasInstance]
  return isPlain ? undefined : value => value instanceof of
}

/** An immutable set of custom types. Made by `registry`. */
export class Registry {
  readonly types: readonly CustomType[]
  readonly #byTag = new Map<string, CustomType>()
  readonly #byPrototype = new Map<object, CustomType>()
  readonly #predicates: CustomType[] = []

  constructor(types: readonly CustomType[]) {
    this.types = Object.freeze([...types])
    for (const type of types) {
      const isType = typeof type?.tag === 'string' && typeof type.reduce === 'function'
      expectArgument(isType, 'registry', 'types, one by one, as defineType makes them')
      const prototype = type.class?.prototype as object | undefined
      const isNew = !this.#byTag.has(type.tag) && !this.#byPrototype.has(prototype as object)
      expectArgument(isNew, 'registry', `each tag and class once, got ${type.tag} again`)
      this.#byTag.set(type.tag, type)
      if (type.is !== undefined) this.#predicates.push(type)
      if (prototype !== undefined) this.#byPrototype.set(prototype, type)
    }
    Object.freeze(this)
  }

  /** The type for a tag read from the wire. */
  tagged(tag: string): CustomType | undefined {
    return this.#byTag.get(tag)
  }

  /** The type for a value: its own class, else the first predicate that accepts it, else the nearest base class. */
  typeOf(value: object | symbol): CustomType | undefined {
    const own = typeof value === 'symbol' ? null : (Object.getPrototypeOf(value) as object | null)
    const exact = this.#byPrototype.get(own as object)
    if (exact !== undefined) return exact
    for (const type of this.#predicates) if (type.is?.(value)) return type
    if (this.#byPrototype.size === 0) return undefined
    for (let base = own; base !== null; base = Object.getPrototypeOf(base) as object | null) {
      const type = this.#byPrototype.get(base)
      if (type !== undefined) return type
    }
    return undefined
  }
}

/**
 * Puts custom types together; pass the result as `types` to both sides.
 * @throws TypeError when a tag or class appears twice, or for anything but types: an array of them, say.
 */
export function registry(...types: CustomType[]): Registry {
  return new Registry(types)
}

const isRegistry = branded(Registry, 'Registry')

/** @throws TypeError for an option `types` that no registry made, or one of another copy of the package. */
export function expectRegistry(types: Registry | undefined): void {
  if (types === undefined || types instanceof Registry) return
  const isForeign = isRegistry(types)
  const hint = ' in this copy of outband, got one of another copy; `registry(...its.types)` makes one of this'
  expectArgument(false, 'types', `what registry() gives${isForeign ? hint : ''}`)
}
