/** value → packet: the dispatch over the kinds of values. Nested values come back here through `Walk.value`. */
import { SLACK } from '../bytes/writer.js'
import { isOutOfBand, isReadonly, type OutOfBand } from '../out-of-band.js'
import { NO_TEXT, type Packet, type Parcel } from '../packet.js'
import { builtinOf, expectNothingBeside, fieldsOf, isBare } from '../value/builtins.js'
import { placed } from '../value/place.js'
import { explained, stopped } from '../value/trace.js'
import { Op } from '../wire/ops.js'
import { encodeBuiltin } from './builtins.js'
import { encodeArray, encodeLike, encodeObject, encodeRecord } from './containers.js'
import { finishPacket } from './layout.js'
import { encodeCustom } from './reduce.js'
import { encodeBigInt, encodeNumber } from './scalars.js'
import type { EncodeSettings } from './settings.js'
import type { ShapeNode } from './shapes.js'
import { Walk } from './walk.js'

const getPrototypeOf = Object.getPrototypeOf
const ObjectPrototype = Object.prototype

export class Encoder extends Walk {
  isBusy = false

  encode(value: unknown, settings: EncodeSettings): Packet {
    return this.parcel(value, settings, NO_TEXT, false) as Packet
  }

  /**
   * As `encode`, with metadata of up to `textBytes` as text, or as `LENT`; with `keepsShapes` for a receiver that gets all
   * messages in order and keeps the shapes of one for the next.
   */
  parcel(value: unknown, settings: EncodeSettings, textBytes: number, keepsShapes: boolean): Parcel {
    this.isBusy = true
    try {
      this.begin(settings, keepsShapes)
      this.value(value, this.shapes.slot)
      this.isBeyondClone ||= this.views.isBeyondClone
      return finishPacket(this, textBytes)
    } catch (error) {
      throw explained(this.#placed(error, value, settings))
    } finally {
      // First: when the caller's own stack is about to overflow, the next line may throw.
      this.isBusy = false
      this.end()
    }
  }

  /** Apart: what a closure captures costs the function around it memory at each call, even where it is not made. */
  #placed(error: unknown, value: unknown, settings: EncodeSettings): unknown {
    return placed(error, settings.types, types => new Encoder().#walk(value, { ...settings, types }))
  }

  #walk(value: unknown, settings: EncodeSettings): void {
    this.begin(settings, false)
    this.value(value, this.shapes.slot)
  }

  override value(value: unknown, slot: ShapeNode): void {
    if (this.pos >= this.room) this.reserve(SLACK)
    if (typeof value === 'string') return this.texts.write(this, value)
    if (typeof value === 'number') return encodeNumber(this, value)
    if (typeof value === 'object') {
      if (value === null) return this.u8(Op.NULL)
      return this.#object(value, slot)
    }
    if (typeof value === 'boolean') return this.u8(value ? Op.TRUE : Op.FALSE)
    if (value === undefined) return this.u8(Op.UNDEFINED)
    if (typeof value === 'bigint') return encodeBigInt(this, value)
    const type = this.settings.types?.typeOf(value as object | symbol)
    if (type === undefined) throw stopped('UNSUPPORTED', `a ${typeof value} cannot travel`)
    if (!this.isRepeated(value)) encodeCustom(this, value, type, slot)
  }

  #object(object: object, slot: ShapeNode): void {
    const type = this.settings.types?.typeOf(object)
    if (type === undefined) {
      if (Array.isArray(object)) return encodeArray(this, object, slot)
      if (ArrayBuffer.isView(object)) return this.#view(object, isReadonly(object))
    }
    if (this.isRepeated(object)) return
    if (type !== undefined) encodeCustom(this, object, type, slot)
    else if (!this.isPolluted && slot.last.recognises(object))
      encodeLike(this, object as Record<string, unknown>, slot.last)
    else if (getPrototypeOf(object) === ObjectPrototype)
      encodeObject(this, object as Record<string, unknown>, slot)
    else this.#special(object, slot)
  }

  #special(object: object, slot: ShapeNode): void {
    if (isOutOfBand(object)) return this.#view(object.view, object.readonly, object)
    const { host, strict } = this.settings
    if (host?.is?.(object)) return encodeCustom(this, object, host, slot)
    if (isBare(object)) {
      this.isBeyondClone = true
      return encodeRecord(this, object, Object.keys(object), Op.OBJECT_NULL)
    }
    const builtin = builtinOf(object)
    const { name, kind } = builtin
    if (kind !== undefined) {
      if (strict) expectNothingBeside(object, builtin)
      return encodeBuiltin(this, kind, object, slot)
    }
    encodeRecord(this, object, fieldsOf(object, name, strict))
  }

  #view(view: ArrayBufferView, readonly: boolean, wrapper?: OutOfBand): void {
    const isForced = wrapper !== undefined
    if (isForced ? this.isRepeatedWithin(wrapper, view) : this.isRepeated(view)) {
      if (isForced || readonly) this.views.wish(view, isForced, readonly)
      return
    }
    this.u8(Op.VIEW)
    this.views.addView(view, isForced, readonly)
  }
}
