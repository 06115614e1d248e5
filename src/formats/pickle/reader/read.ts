/** pickle → value: the loop over the opcodes. The mirror of `writer/write.ts`, which recurses where this one has a stack. */
import { isOutbandError, isStackOverflow, TOO_DEEP } from '../../../errors.js'
import { checkLimit } from '../../../limits.js'
import type { PacketLike } from '../../../packet.js'
import type { FormatDecodeSettings } from '../../format.js'
import { Dtype, PythonObject } from '../objects.js'
import * as ops from '../ops.js'
import { type Call, call, named, newWith } from './calls.js'
import { addMembers, newSet, PendingDict } from './dicts.js'
import { setDtypeState } from './dtypes.js'
import { PendingList } from './lists.js'
import { Machine, Pending } from './machine.js'
import { nextBuffer, readBytes, readonlyOf } from './memory.js'
import * as scalars from './scalars.js'

/** The one at work: another that is started meanwhile, by code of the caller, goes on with its depth. */
let active: Unpickler | undefined

export class Unpickler extends Machine {
  isBusy = false
  #frameEnd = 0

  read({ meta, buffers }: PacketLike, settings: FormatDecodeSettings): unknown {
    const outer = active
    this.isBusy = true
    try {
      this.begin(settings)
      this.outerDepth = outer === undefined ? 0 : outer.outerDepth + outer.marks.length + 1
      active = this
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
      active = outer
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
        return this.push(new PendingList(), -this.checkHeight(1))
      case ops.APPENDS:
        return this.#append(this.popMark())
      case ops.APPEND:
        return this.#append(this.below(1))
      case ops.EMPTY_DICT:
        return this.push(new PendingDict(), -this.checkHeight(1))
      case ops.SETITEMS:
        return this.#setItems(this.popMark())
      case ops.SETITEM:
        return this.#setItems(this.below(2))
      case ops.EMPTY_TUPLE:
        return this.#tuple(this.size)
      case ops.TUPLE1:
        return this.#tuple(this.below(1))
      case ops.TUPLE2:
        return this.#tuple(this.below(2))
      case ops.TUPLE3:
        return this.#tuple(this.below(3))
      case ops.TUPLE:
      case ops.LIST:
        return this.#tuple(this.popMark())
      case ops.EMPTY_SET:
        return this.push(newSet(this), this.checkHeight(1))
      case ops.ADDITEMS:
        return this.#addItems(this.popMark())
      case ops.FROZENSET:
        return this.#frozenSet(this.popMark())
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
        return this.#call(2)
      case ops.NEWOBJ:
        return this.#call(2, { isNew: true })
      case ops.NEWOBJ_EX: {
        const at = this.below(1)
        const kwargs = newWith(this, this.valueAt(at))
        this.dropFrom(at)
        return this.#call(2, kwargs)
      }
      case ops.BUILD:
        return this.#build()
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
      case ops.DICT: {
        const start = this.popMark()
        const dict = new PendingDict()
        const height = this.heightOver(start)
        dict.update(this, start)
        this.dropFrom(start)
        return this.push(dict, -height)
      }
      case ops.INST:
      case ops.OBJ:
        return this.#instance(op)
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

  /** Raises the height of what is on the top now to that over the values that went into it. */
  #raise(at: number, height: number): void {
    const { heights } = this
    if (heights[at] < 0) heights[at] = Math.min(heights[at], -height)
    else heights[at] = Math.max(heights[at], height)
  }

  /** What the values from a place on go into: right below them. */
  #target(start: number): number {
    if (start - 1 < this.floor) throw this.malformed('items for nothing')
    return start - 1
  }

  #append(start: number): void {
    const at = this.#target(start)
    this.#raise(at, this.heightOver(start))
    this.count(this.size - start)
    const target = this.stack[at]
    if (target instanceof Pending) target.extend(this, this.popFrom(start))
    else if (Array.isArray(target)) {
      for (let i = start; i < this.size; i++) target.push(this.valueAt(i))
      this.dropFrom(start)
    } else if (target instanceof PythonObject && !(target instanceof Dtype)) {
      target.items ??= []
      for (const item of this.popFrom(start)) target.items.push(item)
    } else throw this.malformed('items for what has none')
  }

  #setItems(start: number): void {
    const at = this.#target(start)
    if ((this.size - start) % 2 !== 0) throw this.malformed('a key without a value')
    this.#raise(at, this.heightOver(start))
    const target = this.stack[at]
    if (target instanceof Pending) target.update(this, start)
    else if (target instanceof PythonObject && !(target instanceof Dtype)) {
      target.entries ??= []
      for (let i = start; i < this.size; i += 2) target.entries.push([this.valueAt(i), this.valueAt(i + 1)])
    } else throw this.malformed('keys for what has none')
    this.dropFrom(start)
  }

  #addItems(start: number): void {
    const at = this.#target(start)
    this.#raise(at, this.heightOver(start))
    const target = this.stack[at]
    if (!(target instanceof Set)) throw this.malformed('members for what is no set')
    addMembers(this, target, this.popFrom(start))
  }

  #tuple(start: number): void {
    const height = this.heightOver(start)
    this.count(this.size - start)
    this.push(this.popFrom(start), height)
  }

  #frozenSet(start: number): void {
    const height = this.heightOver(start)
    const set = newSet(this)
    addMembers(this, set, this.popFrom(start))
    this.push(set, height)
  }

  #call(count: number, how?: Call): void {
    const start = this.below(count)
    const height = this.heightOver(start)
    const [target, args] = this.popFrom(start)
    this.pushMade(call(this, target, args, how), height)
  }

  /** A call as Python 2 had it for its old classes: the arguments one by one. */
  #instance(op: number): void {
    let target: unknown
    if (op === ops.INST) target = named(this, scalars.readLine(this), scalars.readLine(this))
    const start = this.popMark()
    const height = this.heightOver(start)
    const args = this.popFrom(start)
    if (op === ops.OBJ) target = args.shift()
    this.pushMade(call(this, target, args), height)
  }

  #build(): void {
    const start = this.below(1)
    const at = this.#target(start)
    this.#raise(at, this.heightOver(start))
    const state = this.valueAt(start)
    this.dropFrom(start)
    const target = this.stack[at]
    if (target instanceof Pending) target.build(this, state)
    else if (target instanceof Dtype) setDtypeState(this, target, state)
    else if (target instanceof PythonObject) target.state = state
    else throw this.malformed('a state for what has none')
  }

  /** Nothing but our errors leaves: the engine's stack overflow is a limit, its other complaints are bad input. */
  #ours(error: unknown): unknown {
    if (isOutbandError(error)) return error
    return isStackOverflow(error)
      ? this.failed('LIMIT', TOO_DEEP, { limit: 'depth', cause: error })
      : this.malformed('bytes that the engine cannot take', { cause: error })
  }
}
