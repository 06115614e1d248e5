/** value → pickle: the dispatch over the kinds of values. Nested values come back here through `Walk.value`. */
import { named } from '../../../errors.js'
import { isOutOfBand, isReadonly } from '../../../out-of-band.js'
import type { Packet } from '../../../packet.js'
import type { Registry } from '../../../registry.js'
import { builtinOf, expectNothingBeside, fieldsOf, isBare } from '../../../value/builtins.js'
import { placed } from '../../../value/place.js'
import { explained, stopped } from '../../../value/trace.js'
import type { Source } from '../../../value/views.js'
import type { FormatEncodeSettings } from '../../format.js'
import { isNDArray } from '../ndarray.js'
import { Dtype, PythonName, PythonObject, placeOf } from '../objects.js'
import { NEWFALSE, NEWTRUE, NONE, REDUCE, TUPLE1 } from '../ops.js'
import { writeArray, writeMap, writeRecord, writeSet } from './containers.js'
import { writeDType, writeNDArray } from './ndarray.js'
import { writeCustom, writeObject, writeOriginal } from './objects.js'
import { writeBigInt, writeDate, writeNumber } from './scalars.js'
import { finishPacket, writeBuffer, writeView } from './views.js'
import { Walk } from './walk.js'

export class Pickler extends Walk {
  isBusy = false

  write(value: unknown, settings: FormatEncodeSettings): Packet {
    this.isBusy = true
    try {
      this.#walk(value, settings)
      return finishPacket(this)
    } catch (error) {
      throw explained(this.#placed(error, value, settings))
    } finally {
      // First: when the caller's own stack is about to overflow, the next line may throw.
      this.isBusy = false
      this.end()
    }
  }

  /** Apart: what a closure captures costs the function around it memory at each call, even where it is not made. */
  #placed(error: unknown, value: unknown, settings: FormatEncodeSettings): unknown {
    const walk = (types: Registry) => new Pickler(this.options).#walk(value, { ...settings, types })
    return placed(error, settings.types, walk, isArrayOn)
  }

  #walk(value: unknown, settings: FormatEncodeSettings): void {
    this.begin(settings)
    this.value(value)
  }

  override value(value: unknown): void {
    if (typeof value === 'string') return this.text(value)
    if (typeof value === 'number') return writeNumber(this, value)
    if (typeof value === 'object' && value !== null) return this.#object(value)
    if (value === null || value === undefined) return this.op(NONE)
    if (typeof value === 'boolean') return this.op(value ? NEWTRUE : NEWFALSE)
    if (typeof value === 'bigint') return writeBigInt(this, value, this.settings.limits)
    const type = this.settings.types?.typeOf(value as object | symbol)
    if (type === undefined) throw stopped('UNSUPPORTED', `a ${typeof value} cannot travel`)
    writeCustom(this, value, type)
  }

  #object(object: object): void {
    const type = this.settings.types?.typeOf(object)
    if (type !== undefined) return writeCustom(this, object, type)
    if (this.kept > 0 && writeOriginal(this, object)) return
    if (Array.isArray(object)) writeArray(this, object)
    else if (ArrayBuffer.isView(object)) writeView(this, object, false, isReadonly(object))
    else if (Object.getPrototypeOf(object) === Object.prototype) {
      if (!this.isRepeated(object)) writeRecord(this, object)
    } else this.#special(object)
  }

  #special(object: object): void {
    if (isOutOfBand(object)) return writeView(this, object.view, true, object.readonly)
    const { host, strict } = this.settings
    if (host?.is?.(object)) return writeCustom(this, object, host)
    if (object instanceof PythonName) return this.name(placeOf(object))
    if (this.isRepeated(object)) return
    if (isNDArray(object)) return writeNDArray(this, object)
    if (object instanceof Dtype) return this.#dtype(object)
    if (object instanceof PythonObject) return writeObject(this, object)
    if (isBare(object)) return writeRecord(this, object)
    const builtin = builtinOf(object)
    const { name, kind } = builtin
    if (kind !== undefined) {
      if (strict) expectNothingBeside(object, builtin)
      return this.#builtin(kind, object)
    }
    writeRecord(this, object, fieldsOf(object, name, strict))
  }

  #builtin(kind: string, object: object): void {
    const place = this.latest
    switch (kind) {
      case 'Map':
        return writeMap(this, object as ReadonlyMap<unknown, unknown>)
      case 'Set':
        return writeSet(this, object as ReadonlySet<unknown>)
      case 'Date':
        writeDate(this, object as Date)
        return this.note(place)
      case 'buffer':
        return writeBuffer(this, object as ArrayBufferLike)
    }
    const what = named(kind === 'boxed' ? 'wrapped primitive' : kind)
    throw stopped('UNSUPPORTED', `${what} cannot travel in a pickle`)
  }

  #dtype({ dtype }: Dtype): void {
    const place = this.latest
    this.name('numpy.dtype')
    writeDType(this, dtype)
    this.op(TUPLE1)
    this.op(REDUCE)
    this.note(place)
  }
}

/** An array is written as a part of its data. */
function isArrayOn(object: unknown, source: Source): boolean {
  if (!isNDArray(object) || !ArrayBuffer.isView(object.data)) return false
  return object.data.buffer === (ArrayBuffer.isView(source) ? source.buffer : source)
}
