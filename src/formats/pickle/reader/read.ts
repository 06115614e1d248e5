/** pickle → value: the loop over the opcodes. The mirror of `writer/write.ts`, which recurses where this one has a stack. */
import { isOutbandError, isStackOverflow, TOO_DEEP } from '../../../errors.js'
import { checkLimit } from '../../../limits.js'
import type { PacketLike } from '../../../packet.js'
import { enterDecoder, leaveDecoder } from '../../../value/nesting.js'
import type { FormatDecodeSettings } from '../../format.js'
import * as ops from '../ops.js'
import { named, newWith } from './calls.js'
import {
  addItems,
  append,
  build,
  dict,
  frozenSet,
  list,
  makeCall,
  makeInstance,
  setItems,
  tuple,
} from './containers.js'
import { newSet, PendingDict } from './dicts.js'
import { PendingList } from './lists.js'
import { Machine } from './machine.js'
import { nextBuffer, readBytes, readonlyOf } from './memory.js'
import * as scalars from './scalars.js'

/** By opcode: whether a dict before it stays as it is. None of these makes a key, which in Python is no dict, list or set. */
const AFTER_EMPTY = new Uint8Array(256)
for (const op of [
  ops.STOP,
  ops.APPEND,
  ops.APPENDS,
  ops.SETITEM,
  ops.SETITEMS,
  ops.TUPLE,
  ops.TUPLE1,
  ops.TUPLE2,
  ops.TUPLE3,
  ops.LIST,
  ops.EMPTY_DICT,
  ops.EMPTY_LIST,
  ops.EMPTY_SET,
])
  AFTER_EMPTY[op] = 1

export class Unpickler extends Machine {
  isBusy = false
  #frameEnd = 0

  /** Of what code of the caller, called from here, decodes. */
  get depth(): number {
    return this.outerDepth + this.marks.length + 1
  }

  read({ meta, buffers }: PacketLike, settings: FormatDecodeSettings): unknown {
    const outer = enterDecoder(this)
    this.isBusy = true
    try {
      this.begin(settings)
      this.outerDepth = outer?.depth ?? 0
      this.checkHeight(0)
      checkLimit('metaBytes', settings.limits.metaBytes, meta.length, 0)
      this.load(meta)
      this.#frameEnd = 0
      this.buffers.begin(buffers)
      const value = this.#run()
      this.buffers.expectEnd()
      return value
    } catch (error) {
      throw this.#ours(error)
    } finally {
      // First: when the caller's own stack is about to overflow, the next line may throw.
      this.isBusy = false
      leaveDecoder(outer)
      this.finish()
    }
  }

  #run(): unknown {
    for (;;) {
      const op = this.u8()
      switch (op) {
        case ops.BINGET:
          this.get(this.u8())
          break
        case ops.MEMOIZE:
          this.memoize()
          break
        case ops.BINPUT:
          this.put(this.u8())
          break
        case ops.BININT1:
          this.push(this.u8(), 0)
          break
        case ops.BINFLOAT:
          this.push(this.view.getFloat64(this.take(8)), 0)
          break
        case ops.SHORT_BINUNICODE:
          this.push(scalars.readString(this, this.u8()), 0)
          break
        case ops.MARK:
          this.marks.push(this.size)
          break
        case ops.STOP:
          return this.#stop()
        default:
          this.#other(op)
      }
    }
  }

  #stop(): unknown {
    const at = this.below(1)
    if (at !== 0 || this.marks.length > 0) throw this.malformed('a second value')
    if (this.pos !== this.end) throw this.failed('TRAILING', 'bytes behind the pickle')
    return this.valueAt(at)
  }

  #other(op: number): void {
    switch (op) {
      case ops.NONE:
        return this.push(null, 0)
      case ops.NEWTRUE:
        return this.push(true, 0)
      case ops.NEWFALSE:
        return this.push(false, 0)
      case ops.BININT:
        return this.push(this.view.getInt32(this.take(4), true), 0)
      case ops.BININT2:
        return this.push(this.view.getUint16(this.take(2), true), 0)
      case ops.LONG1:
        return this.push(scalars.readLong(this, this.u8()), 0)
      case ops.LONG4:
        return this.push(scalars.readLong(this, scalars.readI32Length(this)), 0)
      case ops.BINUNICODE:
        return this.push(scalars.readString(this, this.u32()), 0)
      case ops.BINUNICODE8:
        return this.push(scalars.readString(this, scalars.readU64(this)), 0)
      case ops.LONG_BINGET:
        return this.get(this.u32())
      case ops.LONG_BINPUT:
        return this.put(this.u32())
      case ops.EMPTY_LIST:
        return this.#list()
      case ops.APPENDS:
        return append(this, this.popMark())
      case ops.APPEND:
        return append(this, this.below(1))
      case ops.EMPTY_DICT:
        return this.#dict()
      case ops.SETITEMS:
        return setItems(this, this.popMark())
      case ops.SETITEM:
        return setItems(this, this.below(2))
      case ops.EMPTY_TUPLE:
        return tuple(this, this.size)
      case ops.TUPLE1:
        return tuple(this, this.below(1))
      case ops.TUPLE2:
        return tuple(this, this.below(2))
      case ops.TUPLE3:
        return tuple(this, this.below(3))
      case ops.TUPLE:
        return tuple(this, this.popMark())
      case ops.LIST:
        return list(this, this.popMark())
      case ops.EMPTY_SET:
        return this.push(newSet(this), this.checkHeight(1))
      case ops.ADDITEMS:
        return addItems(this, this.popMark())
      case ops.FROZENSET:
        return frozenSet(this, this.popMark())
      default:
        this.#rare(op)
    }
  }

  /** Bytes, calls, and what only the old protocols have. */
  #rare(op: number): void {
    switch (op) {
      case ops.PROTO:
        return this.#protocol()
      case ops.FRAME:
        return this.#frame(scalars.readU64(this))
      case ops.SHORT_BINBYTES:
        return this.push(readBytes(this, this.u8(), true), 0)
      case ops.BINBYTES:
        return this.push(readBytes(this, this.u32(), true), 0)
      case ops.BINBYTES8:
        return this.push(readBytes(this, scalars.readU64(this), true), 0)
      case ops.BYTEARRAY8:
        return this.push(readBytes(this, scalars.readU64(this), false), 0)
      case ops.NEXT_BUFFER:
        return this.push(nextBuffer(this), 0)
      case ops.READONLY_BUFFER: {
        const at = this.below(1)
        this.stack[at] = readonlyOf(this, this.valueAt(at))
        return
      }
      case ops.STACK_GLOBAL: {
        const [module, name] = this.popFrom(this.below(2))
        return this.push(named(this, module, name), 0)
      }
      case ops.GLOBAL:
        return this.push(named(this, scalars.readLine(this), scalars.readLine(this)), 0)
      case ops.REDUCE:
        return makeCall(this)
      case ops.NEWOBJ:
        return makeCall(this, { isNew: true })
      case ops.NEWOBJ_EX: {
        const at = this.below(1)
        const kwargs = newWith(this, this.valueAt(at))
        this.dropFrom(at)
        return makeCall(this, kwargs)
      }
      case ops.BUILD:
        return build(this)
      case ops.POP:
        // It takes a mark too, where that is on the top.
        if (this.size === this.floor && this.marks.length > 0) this.marks.pop()
        else this.dropFrom(this.below(1))
        return
      case ops.POP_MARK:
        return this.dropFrom(this.popMark())
      case ops.DUP: {
        const at = this.below(1)
        return this.push(this.stack[at], this.heights[at])
      }
      default:
        this.#old(op)
    }
  }

  /** Protocols 0 and 1, and what is refused. */
  #old(op: number): void {
    switch (op) {
      case ops.INT:
        return this.push(scalars.readDecimal(this), 0)
      case ops.LONG:
        return this.push(scalars.readDecimalLong(this), 0)
      case ops.FLOAT:
        return this.push(scalars.readFloatText(this), 0)
      case ops.STRING:
        return this.push(scalars.readQuoted(this), 0)
      case ops.UNICODE:
        return this.push(scalars.readEscaped(this), 0)
      case ops.SHORT_BINSTRING:
        return this.push(scalars.readByteString(this, this.u8()), 0)
      case ops.BINSTRING:
        return this.push(scalars.readByteString(this, scalars.readI32Length(this)), 0)
      case ops.GET:
        return this.get(scalars.readNumberOfMemo(this))
      case ops.PUT:
        return this.put(scalars.readNumberOfMemo(this))
      case ops.DICT:
        return dict(this, this.popMark())
      case ops.INST:
      case ops.OBJ:
        return makeInstance(this, op)
      case ops.PERSID:
      case ops.BINPERSID:
        throw this.failed('UNSUPPORTED', 'a persistent id, which only its sender can tell')
      case ops.EXT1:
      case ops.EXT2:
      case ops.EXT4: {
        const code =
          op === ops.EXT1 ? this.u8() : op === ops.EXT2 ? this.view.getUint16(this.take(2), true) : this.u32()
        const tag = `copyreg extension ${code}`
        throw this.failed('UNKNOWN_TYPE', `${tag} is on no list`, { tag })
      }
    }
    this.pos--
    throw this.malformed(`unknown opcode 0x${op.toString(16).padStart(2, '0')}`)
  }

  /** A list that items follow, or a number of the memo before them; other lists are mostly empty for good. */
  #list(): void {
    const height = this.checkHeight(1)
    const next = this.bytes[this.pos]
    const isFilled =
      next === ops.MEMOIZE || next === ops.MARK || next === ops.BINPUT || next === ops.LONG_BINPUT
    if (isFilled) this.push(new PendingList(), -height)
    else this.push([], height)
  }

  /** A dict, unless what follows can neither fill it nor give it a number: then it is empty for good. */
  #dict(): void {
    const height = this.checkHeight(1)
    if (AFTER_EMPTY[this.bytes[this.pos]] && !this.options.isMapAlways) this.push({}, height)
    else this.push(new PendingDict(this), -height)
  }

  #protocol(): void {
    const protocol = this.u8()
    if (protocol <= ops.PROTOCOL) return
    const fields = { offset: this.pos - 1, requested: protocol, available: ops.PROTOCOL }
    throw this.failed('VERSION', 'unknown protocol', fields)
  }

  /** Bytes that belong together: they must be there, and not begin inside of others. */
  #frame(byteLength: number): void {
    if (this.pos < this.#frameEnd) throw this.malformed('a frame in a frame')
    if (byteLength > this.end - this.pos) throw this.truncated(byteLength)
    this.#frameEnd = this.pos + byteLength
  }

  /** Nothing but our errors leaves: the engine's stack overflow is a limit, its other complaints are bad input. */
  #ours(error: unknown): unknown {
    if (isOutbandError(error)) return error
    return isStackOverflow(error)
      ? this.failed('LIMIT', TOO_DEEP, { limit: 'depth', cause: error })
      : this.malformed('bytes that the engine cannot take', { cause: error })
  }
}
