/**
 * What the parts of the encoder share while they walk a value: the bytes so far, what was met before,
 * shapes, text and views. One object per encoder, reused from message to message; `value` is the way back
 * to the dispatch, so that no part imports another.
 */
import { Writer } from '../bytes/writer.js'
import { overLimit } from '../limits.js'
import { SentKeys } from '../value/keys.js'
import { Memo } from '../value/memo.js'
import { stopped } from '../value/trace.js'
import { Views } from '../value/views.js'
import { Head, Op } from '../wire/ops.js'
import { type EncodeSettings, encodeSettings } from './settings.js'
import { type ShapeNode, Shapes } from './shapes.js'
import { Texts } from './texts.js'

const EMPTY = Object.freeze({})
/** Between messages: what was asked for holds callbacks and types of the caller's. */
const IDLE: EncodeSettings = encodeSettings(undefined)

export abstract class Walk extends Writer {
  settings = IDLE
  readonly memo = new Memo()
  readonly shapes = new Shapes()
  readonly texts = new Texts()
  readonly views = new Views()
  depth = 0
  items = 0
  readonly keys = new SentKeys()
  /** Whether the last message was let go of; not when the caller's stack ran out while it was. */
  isClean = true
  /** Whether a ref was written: only then must the receiver keep count of objects. */
  hasRefs = false
  /** Whether somebody put enumerable properties on Object.prototype, which `for…in` would show. */
  isPolluted = false
  /** Whether the value holds what structured clone loses: custom types, null prototypes, Buffers, an error's fields. */
  isBeyondClone = false
  /** Custom values being reduced that can only be rebuilt whole. */
  readonly unbuilt: unknown[] = []

  /** Writes any value. `slot` is its place: the shape node of the key it is under. */
  abstract value(value: unknown, slot: ShapeNode): void

  /** `keepsShapes`: see `Shapes.begin`. */
  begin(settings: EncodeSettings, keepsShapes: boolean): void {
    if (!this.isClean) this.end()
    this.isClean = false
    this.settings = settings
    this.limit = settings.limits.metaBytes
    this.depth = 0
    this.items = 0
    this.keys.begin(settings.limits)
    this.hasRefs = false
    this.isPolluted = false
    this.isBeyondClone = false
    for (const _ in EMPTY) this.isPolluted = true
    this.shapes.begin(keepsShapes)
    this.texts.begin(settings.limits.metaBytes)
    // The header is written in front of the body when the length of that is known.
    this.pos = Head.MOST_BYTES
    this.start = Head.MOST_BYTES
  }

  /** Lets go of everything that belongs to the caller. */
  end(): void {
    this.memo.clear()
    this.shapes.end()
    this.texts.end()
    this.views.clear()
    if (this.unbuilt.length > 0) this.unbuilt.length = 0
    this.rewind()
    this.settings = IDLE
    this.isClean = true
  }

  /** Notes an object; when it was met before, writes a ref to it and returns true. */
  isRepeated(object: unknown): boolean {
    return this.settings.references && this.#repeats(object, this.memo.find(object))
  }

  /** The same for an array. */
  isRepeatedArray(array: readonly unknown[]): boolean {
    return this.settings.references && this.#repeats(array, this.memo.findArray(array))
  }

  /** The same for what a wrapper that was just noted stands for, and that has its place among the objects. */
  isRepeatedWithin(wrapper: object, object: object): boolean {
    return this.settings.references && this.#repeats(object, this.memo.findWithin(wrapper, object))
  }

  #repeats(object: unknown, number: number): boolean {
    if (number < 0) return false
    if (this.unbuilt.includes(object)) {
      throw stopped('UNSUPPORTED', 'a cycle through a one-step type; wanted one with create and fill')
    }
    this.ref(Op.REF, number)
    return true
  }

  ref(op: number, number: number): void {
    this.hasRefs = true
    this.u8(op)
    this.varint(number)
  }

  /** Goes one container down, one of `items` elements. The caller counts `depth` down again. */
  enter(items: number): void {
    const { limits } = this.settings
    if (++this.depth > limits.depth) throw overLimit('depth', limits.depth, this.depth)
    this.count(items)
  }

  /** Counts elements of the container that was entered. */
  count(items: number): void {
    const { limits } = this.settings
    this.items += items
    if (this.items > limits.items) throw overLimit('items', limits.items, this.items)
  }

  text(text: string): void {
    this.reserve(10)
    this.texts.write(this, text)
  }
}
