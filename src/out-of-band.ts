/**
 * PEP 574's `PickleBuffer`: a view wrapped to say "send this out of band" and, if wanted, "read-only".
 * JavaScript cannot protect memory (`Object.freeze` refuses typed arrays), so read-only is a declaration
 * that survives the journey and that `isReadonly` reports; it does not stop a write.
 */
import { branded } from './brand.js'
import { Marks } from './bytes/marks.js'
import { isGone } from './bytes/window.js'
import { expectOptions, OutbandError } from './errors.js'

const readonlyViews = new Marks()
/** Memory that others read as well: every view on it is read-only. */
const readonlyMemory = new Marks()

/** A view with its options. It stands in the value in place of the view; decode gives the bare view. */
export class OutOfBand<V extends ArrayBufferView = ArrayBufferView> {
  /** Says to the compiler that an object of the same fields is none. */
  declare protected readonly isWrapper: true
  readonly view: V
  readonly readonly: boolean

  constructor(view: V, readonly: boolean) {
    this.view = view
    this.readonly = readonly
    Object.freeze(this)
  }
}

/** A value as it is sent: where a view stands, `outOfBand` of it may stand too. The other way round for who receives it. */
export type Sendable<T> = T | (true extends HasView<Copied<T>> ? MaybeWrapped<T> : never)
type MaybeWrapped<T> =
  IsAny<T> extends true
    ? T
    : T extends ArrayBufferView
      ? T | OutOfBand<T>
      : true extends HasView<T>
        ? { [Key in keyof T]: MaybeWrapped<T[Key]> }
        : T

/** Whether a view stands somewhere, but in a class with private fields: nothing else is one. */
type HasView<T, Levels extends 1[] = []> =
  IsAny<T> extends true
    ? false
    : Levels['length'] extends 4
      ? false
      : T extends ArrayBufferView
        ? true
        : T extends readonly (infer Item)[]
          ? HasView<Item, [...Levels, 1]>
          : T extends (...args: never[]) => unknown
            ? false
            : T extends object
              ? Copied<T> extends T
                ? { [Key in keyof T]: HasView<T[Key], [...Levels, 1]> }[keyof T]
                : false
              : false
/**
 * The same fields, but for private ones. A mapped type, so that the compiler compares channels by what they send: by `T` alone a channel
 * of something would be no `Channel<unknown>`.
 */
type Copied<T> = { [Key in keyof T]: T[Key] }
export type IsAny<T> = 0 extends 1 & T ? true : false

/** Whether it stands in the value for a view; of whatever copy of the package. */
export const isOutOfBand = branded(OutOfBand, 'OutOfBand')

/**
 * Forces a view out of band whatever the threshold, except `threshold: Infinity`, and may declare it
 * read-only. Borrows the view.
 * @throws TypeError when the argument is not a view. @throws DETACHED when its memory is gone.
 */
export function outOfBand<V extends ArrayBufferView>(
  view: V,
  options: { readonly?: boolean | undefined } = {},
): OutOfBand<V> {
  if (!ArrayBuffer.isView(view)) throw new TypeError('outOfBand: wants a typed array, a DataView or a Buffer')
  expectOptions(options)
  if (isGone(view)) throw new OutbandError('DETACHED', 'outOfBand: the view lost its memory')
  return new OutOfBand(view, options.readonly ?? isReadonly(view))
}

/** True for a view decoded from memory that its sender declared read-only, and for any view of such shared memory. */
export function isReadonly(view: ArrayBufferView): boolean {
  if (readonlyViews.has(view)) return true
  return readonlyMemory.isUsed && ArrayBuffer.isView(view) && readonlyMemory.has(view.buffer)
}

/** Notes that a decoded view is read-only. */
export function markReadonly(view: ArrayBufferView): void {
  readonlyViews.add(view)
}

/** Notes whether all views of an ArrayBuffer are read-only, or are so no more. */
export function markReadonlyMemory(memory: ArrayBuffer, isSo: boolean): void {
  if (isSo) readonlyMemory.add(memory)
  else readonlyMemory.delete(memory)
}

/** Memory, and ports, that move with the next message that has them. */
const given = new Marks()

/** Gives memory away: views on it go out of band, however small, and `takeGiven` tells who moves it. */
export function give(memory: object): void {
  given.add(memory)
}

export function isGiven(memory: object): boolean {
  return given.has(memory)
}

/** Whether it was given away; for once. */
export function takeGiven(memory: object): boolean {
  return given.delete(memory)
}

/** Memory that other processes map as well. */
const lendable = new Marks()

/** Views on it go out of band, however small: in band they would be copies, and nobody would see what is written later. */
export function markLendable(memory: object): void {
  lendable.add(memory)
}

export function isLendable(memory: object): boolean {
  return lendable.has(memory)
}
