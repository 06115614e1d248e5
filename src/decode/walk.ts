/**
 * What the parts of the decoder share while they read a body: the mirror of `encode/walk.ts`. `value` is
 * the way back to the dispatch, so that no part imports another.
 */
import { Reader } from '../bytes/reader.js'
import type { OutbandError } from '../errors.js'
import { overLimit } from '../limits.js'
import { Buffers } from '../value/buffers.js'
import { Op } from '../wire/ops.js'
import { type DecodeSettings, decodeSettings } from './settings.js'
import { NO_SHAPES, type Shape, Shapes } from './shapes.js'
import { Texts } from './texts.js'
import { Views } from './views.js'

/** Between messages: what was asked for holds types of the caller's. */
const IDLE: DecodeSettings = decodeSettings(undefined)

export abstract class Walk extends Reader {
  settings = IDLE
  limits = this.settings.limits
  /** Objects by their number, when the message has refs. */
  memo: unknown[] = []
  numbers: unknown[] = []
  hasRefs = false
  /** Whether the last message was let go of; not when the caller's stack ran out while it was. */
  isClean = true
  shapes: readonly Shape[] = NO_SHAPES
  readonly knownShapes = new Shapes()
  readonly texts = new Texts()
  readonly views = new Views()
  readonly buffers = new Buffers()
  depth = 0
  items = 0
  entries = 0
  numberKeys = 0
  bigintKeys = 0

  /** Reads any value. */
  abstract value(): unknown

  begin(settings: DecodeSettings): void {
    if (!this.isClean) this.finish()
    this.isClean = false
    this.settings = settings
    this.limits = settings.limits
    this.depth = 0
    this.items = 0
    this.entries = 0
    this.numberKeys = 0
    this.bigintKeys = 0
  }

  /** Lets go of everything that belongs to the caller. */
  finish(): void {
    if (this.hasRefs) {
      this.memo = []
      this.numbers = []
    }
    this.shapes = NO_SHAPES
    this.texts.end()
    this.views.end()
    this.buffers.end()
    this.release()
    this.settings = IDLE
    this.isClean = true
  }

  /** Goes one container down, one of `count` elements of at least a byte each. The caller counts `depth` down again. */
  enter(count: number): void {
    const { limits, end } = this
    const depth = ++this.depth
    const items = this.items + count
    this.items = items
    // Counts inside each other, each within what remains, would add up to depth times the body.
    if (count > end - this.pos || depth > limits.depth || items > end || items > limits.items)
      throw this.#refused(count)
  }

  #refused(count: number): OutbandError {
    const { limits, depth, items, pos } = this
    if (count > this.end - pos) return this.truncated(count)
    if (depth > limits.depth) return overLimit('depth', limits.depth, depth, pos)
    if (items > this.end) return this.malformed('more elements than bytes')
    return overLimit('items', limits.items, items, pos)
  }

  note(object: unknown): void {
    if (this.hasRefs) this.memo.push(object)
  }

  text(units: number): string {
    return this.texts.next(this, units)
  }

  /** A value that must be a string; its op is looked at first, since nothing here counts depth. */
  string(what: string): string {
    const op = this.peek()
    const isText = (op >= Op.TEXT && op < Op.ARRAY) || (op >= Op.TEXT_LONG && op <= Op.TEXT_REF)
    if (!isText) throw this.malformed(`${what} that is not a string`)
    return this.value() as string
  }
}
