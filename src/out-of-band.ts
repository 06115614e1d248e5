/**
 * PEP 574's `PickleBuffer`: a view wrapped to say "send this out of band" and, if wanted, "read-only".
 * JavaScript cannot protect memory (`Object.freeze` refuses typed arrays), so read-only is a declaration
 * that survives the journey and that `isReadonly` reports; it does not stop a write.
 */
import { branded } from './brand.js'
import { isGone } from './bytes/window.js'
import { expectOptions, OutbandError } from './errors.js'

const readonlyViews = new WeakSet<object>()
/** Memory that others read as well: every view on it is read-only. */
const readonlyMemory = new WeakSet<object>()
/** Whether any view is: most processes never see one, and asking the WeakSet costs as much as a small string. */
let isUsed = false

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
  if (!isUsed) return false
  return readonlyViews.has(view) || (ArrayBuffer.isView(view) && readonlyMemory.has(view.buffer))
}

/** Notes that a decoded view is read-only. */
export function markReadonly(view: ArrayBufferView): void {
  isUsed = true
  readonlyViews.add(view)
}

/** Notes whether all views of an ArrayBuffer are read-only, or are so no more. */
export function markReadonlyMemory(memory: ArrayBuffer, isSo: boolean): void {
  if (isSo) readonlyMemory.add(memory)
  else readonlyMemory.delete(memory)
  isUsed ||= isSo
}

/** Memory, and ports, that move with the next message that has them. */
const given = new WeakSet<object>()
let isGiving = false

/** Gives memory away: views on it go out of band, however small, and `takeGiven` tells who moves it. */
export function give(memory: object): void {
  isGiving = true
  given.add(memory)
}

export function isGiven(memory: object): boolean {
  return isGiving && given.has(memory)
}

/** Memory that other processes map as well. */
const lendable = new WeakSet<object>()
let isLending = false

/** Views on it go out of band, however small: in band they would be copies, and nobody would see what is written later. */
export function markLendable(memory: object): void {
  isLending = true
  lendable.add(memory)
}

export function isLendable(memory: object): boolean {
  return isLending && lendable.has(memory)
}

/** Whether it was given away; for once. */
export function takeGiven(memory: object): boolean {
  return isGiving && given.delete(memory)
}
