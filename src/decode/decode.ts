/** packet → value: the message around the body, and the dispatch over its ops. The mirror of `encode/encode.ts`. */
import { crc32c } from '../bytes/crc32c.js'
import { isWide } from '../bytes/text.js'
import { expectArgument, isOutbandError, isStackOverflow, type OutbandError, TOO_DEEP } from '../errors.js'
import { checkLimit } from '../limits.js'
import type { PacketLike, Parcel } from '../packet.js'
import { enterDecoder, leaveDecoder } from '../value/nesting.js'
import { Head, Op } from '../wire/ops.js'
import {
  decodeArray,
  decodeArrayProps,
  decodeMap,
  decodeNullObject,
  decodeNumbers,
  decodeObject,
  decodeSet,
  decodeSmallObject,
} from './containers.js'
import { decodeError } from './errors.js'
import { decodeCustom, UNBUILT } from './rebuild.js'
import {
  decodeBigInt,
  decodeBoxed,
  decodeDate,
  decodeI8,
  decodeI16,
  decodeI32,
  decodeRegExp,
} from './scalars.js'
import type { DecodeSettings } from './settings.js'
import type { Shape } from './shapes.js'
import { Walk } from './walk.js'

/** The shapes of the last message that had some, for those that leave theirs out. */
export interface KnownShapes {
  shapes: readonly Shape[]
}

/** Looked up, since the processor guesses each of them wrong where they alternate: 9 ns in place of 13 for random booleans (measured). */
const CONSTANTS = [undefined, null, false, true]

export class Decoder extends Walk {
  isBusy = false

  /**
   * A parcel's metadata may be text; else as `decode` says. `known`: where the shapes of one message are kept for the next.
   * `lent`: see `Parcel`; of a packet of the user's, which somebody else may have made, nothing of that name is heeded.
   */
  decode(
    { meta, buffers }: PacketLike | Parcel,
    settings: DecodeSettings,
    known?: KnownShapes,
    lent?: DataView,
  ): unknown {
    expectArgument(typeof buffers?.[Symbol.iterator] === 'function', 'packet.buffers', 'an iterable')
    const outer = enterDecoder(this)
    this.isBusy = true
    try {
      this.begin(settings)
      // One budget for all, or a packet in a packet in a packet would get a fresh one each time.
      if (outer !== undefined) this.depth = outer.depth
      checkLimit('metaBytes', settings.limits.metaBytes, meta.length, 0)
      this.load(meta, lent)
      return this.#message(buffers, known)
    } catch (error) {
      throw this.#ours(error)
    } finally {
      // First: when the caller's own stack is about to overflow, the next line may throw.
      this.isBusy = false
      leaveDecoder(outer)
      this.finish()
    }
  }

  #message(buffers: PacketLike['buffers'], known: KnownShapes | undefined): unknown {
    const flags = this.#header()
    const bodyBytes = this.varint()
    const body = this.take(bodyBytes)
    if (flags & Head.HAS_CHECKSUM) this.#check()
    if (flags & Head.HAS_SHAPES) {
      const { pos } = this
      this.shapes = this.knownShapes.read(this)
      if (this.pos - pos > this.limits.stringBytes) this.#expectKeys(pos)
    } else if (known !== undefined) this.shapes = known.shapes
    if (known !== undefined) known.shapes = this.shapes
    this.buffers.begin(buffers)
    if (flags & Head.HAS_VIEWS) this.views.read(this, (flags & Head.HAS_CHECKSUM) !== 0)
    else this.buffers.expectEnd()
    this.texts.begin(this, this.limits.stringBytes)
    this.pos = body
    this.end = body + bodyBytes
    const value = this.value()
    if (this.pos !== this.end || !this.views.isSpent || !this.texts.isSpent) throw this.#unused()
    return value
  }

  /** Keys are strings too; none is longer than all shapes, of which the first byte is at `offset`. @throws LIMIT */
  #expectKeys(offset: number): void {
    const { stringBytes } = this.limits
    for (const { keys } of this.shapes)
      for (const key of keys)
        checkLimit('stringBytes', stringBytes, isWide(key) ? key.length * 2 : key.length, offset)
  }

  /** The error for what the body does not use. */
  #unused(): OutbandError {
    if (this.pos !== this.end) return this.malformed('a second value')
    if (!this.views.isSpent) return this.malformed('unused views')
    return this.failed('TRAILING', 'unused text or bytes', { offset: this.texts.pos })
  }

  #header(): number {
    const { bytes } = this
    if (this.end < 3 || bytes[0] !== Head.MAGIC_0 || bytes[1] !== Head.MAGIC_1) throw this.#noPacket()
    const flags = bytes[2]
    if (flags >> Head.VERSION_SHIFT !== Head.VERSION) throw this.#unknown(flags >> Head.VERSION_SHIFT)
    this.hasRefs = (flags & Head.HAS_REFS) !== 0
    this.pos = 3
    return flags
  }

  #noPacket(): OutbandError {
    if (this.u8() !== Head.MAGIC_0 || this.u8() !== Head.MAGIC_1) return this.malformed('no packet')
    return this.truncated(1)
  }

  #unknown(version: number): OutbandError {
    const fields = { offset: 2, requested: version, available: Head.VERSION }
    return this.failed('VERSION', 'unknown format version', fields)
  }

  #check(): void {
    const end = this.end - Head.CHECKSUM_BYTES
    if (end < this.pos) throw this.truncated(Head.CHECKSUM_BYTES)
    if (crc32c(this.bytes.subarray(0, end)) !== this.view.getUint32(end, true)) {
      throw this.failed('CHECKSUM', 'not what was sent', { offset: end })
    }
    this.end = end
  }

  override value(): unknown {
    const { pos } = this
    if (pos >= this.end) throw this.truncated(1)
    const op = this.bytes[pos]
    this.pos = pos + 1
    if (op < Op.TEXT) return op
    if (op < Op.ARRAY) return this.text(op - Op.TEXT)
    if (op < Op.OBJECT) return decodeArray(this, op - Op.ARRAY)
    if (op < Op.UNDEFINED) return decodeSmallObject(this, op - Op.OBJECT)
    switch (op) {
      case Op.UNDEFINED:
      case Op.NULL:
      case Op.FALSE:
      case Op.TRUE:
        return CONSTANTS[op & 3]
      case Op.I8:
        return decodeI8(this)
      case Op.I16:
        return decodeI16(this)
      case Op.I32:
        return decodeI32(this)
      case Op.F64:
        return this.f64()
      case Op.BIGINT:
        return decodeBigInt(this)
      case Op.TEXT_LONG:
        return this.text(this.varint())
      case Op.TEXT_DEFINE: {
        const text = this.text(this.varint())
        this.texts.defined.push(text)
        return text
      }
      case Op.TEXT_REF:
        return this.#known(this.texts.defined)
      case Op.ARRAY_LONG:
        return decodeArray(this, this.varint())
      case Op.ARRAY_PROPS:
        return decodeArrayProps(this)
      case Op.NUMBERS_I8:
      case Op.NUMBERS_I16:
      case Op.NUMBERS_I32:
      case Op.NUMBERS_F64:
        return decodeNumbers(this, op)
      case Op.OBJECT_LONG:
        return decodeObject(this)
      case Op.OBJECT_NULL:
        return decodeNullObject(this)
      case Op.MAP:
        return decodeMap(this)
      case Op.SET:
        return decodeSet(this)
      case Op.DATE:
        return decodeDate(this)
      case Op.REGEXP:
        return decodeRegExp(this)
      case Op.BOXED:
        return decodeBoxed(this)
      case Op.ERROR:
        return decodeError(this)
      case Op.VIEW: {
        const view = this.views.next(this)
        this.note(view)
        return view
      }
      case Op.CUSTOM:
        return decodeCustom(this)
      case Op.REF: {
        const known = this.#known(this.memo)
        if (known === UNBUILT) throw this.malformed('a cycle through a one-step type')
        return known
      }
      case Op.REF_NUMBERS:
        return this.#known(this.numbers)
    }
    this.pos = pos
    throw this.malformed(`unknown op 0x${op.toString(16)}`)
  }

  #known(list: readonly unknown[]): unknown {
    const number = this.varint()
    if (number >= list.length) throw this.malformed(`unknown ref ${number}`)
    return list[number]
  }

  /** Nothing but our errors leaves: the engine's stack overflow is a limit, its other complaints are bad input. */
  #ours(error: unknown): unknown {
    if (isOutbandError(error)) return error
    return isStackOverflow(error)
      ? this.failed('LIMIT', TOO_DEEP, { limit: 'depth', cause: error })
      : this.malformed('bytes that the engine cannot take', { cause: error })
  }
}
