/**
 * Shape prediction. Key lists live in a trie: a node is a key after its parent's keys, the root is `{}`.
 * Every node remembers the shape of the last object found at its place in the value. An object with the
 * same keys is recognised by one pointer compare a key, before anything of it is written, and its fields
 * are then read by name in a generated function (`fields.ts`): 2 µs instead of 11 to 30 for those of 406
 * records (measured). Where the host forbids generated code, a loop over the keys does the same.
 *
 * The trie lives as long as its encoder, bounded. Past the bounds (dictionaries with ids for keys would fill it otherwise) a shape is a
 * stray: one node for all keys that the trie has not, of this message alone, and found by them. A trie that is too small begins
 * anew: see `Patience`.
 */

import { doublesOf, NO_DOUBLES } from '../bytes/doubles.js'
import type { Writer } from '../bytes/writer.js'
import { traced } from '../value/trace.js'
import { isIndex, Patience, shapeBytes, writeShape } from '../wire/shapes.js'
import { type Fields, generateFields, generateTest, type Test } from './fields.js'
import type { Walk } from './walk.js'

/** Objects of a shape before its function is generated. */
const WARM = 16
const MOST_NODES = 4096
const MOST_CHILDREN = 256
/** An object of more is a hash table to V8. */
const MOST_KEYS = 1020
/** Units of a key that the trie holds, and of all of them; bytes of all shapes that it holds, each of which may have its functions. */
const LONGEST_KEY = 256
const MOST_UNITS = 2 ** 17
const MOST_BYTES = 2 ** 18
const MOST_KEPT = 64
/** Bytes of all shapes that are kept, which each new one tells again; and what part of a message they may take. */
const MOST_TOLD = 2048
const SHARE = 64
/** Bytes of a shape that are copied as floats: then `set` is as quick. */
const MOST_BY_DOUBLES = 64

/** The shape of no object: where nothing is predicted yet. */
let nothing: ShapeNode | undefined

export class ShapeNode {
  readonly key: string
  readonly parent: ShapeNode | undefined
  /** Number of keys from the root to here. */
  length: number
  /** Whether the trie holds this node, so that others may find it. */
  readonly isLinked: boolean
  children: Map<string, ShapeNode> | undefined = undefined
  /** Predicted: the shape of an object that is the value of this key. */
  last: ShapeNode
  /** What `places` and `keys` have made; the keys of a stray from the start. */
  nodes: readonly ShapeNode[] | undefined = undefined
  names: string[] | undefined = undefined
  /** Whether objects of this shape take more memory than a one-byte op may cost; see `isCostly`. */
  isCostly: boolean
  /** Objects of this shape written by the loop, and the generated functions that took over. */
  count = 0
  test: Test | undefined = undefined
  fields: Fields | undefined = undefined
  /** When `id` is valid: `Shapes.epoch`. */
  epoch = 0
  id = 0
  /** Message in which `arrays` is valid; see `containers.ts`. */
  arraysMessage = 0
  arrays = 0
  /** What the shape part says of it; kept for shapes that the trie holds. */
  bytes: Uint8Array | undefined = undefined
  /** The same as floats, unless it is long. */
  doubles: Float64Array = NO_DOUBLES

  constructor(key: string, parent: ShapeNode | undefined, length: number, isLinked: boolean) {
    this.key = key
    this.parent = parent
    this.length = length
    this.isLinked = isLinked
    if (parent !== undefined && !isLinked) this.names = [...parent.keys(), key]
    // Indices come first, except from a Proxy.
    this.isCostly = length === 0 || isIndex(key) || (length > 1 && parent?.isCostly === true)
    // Objects under one key of a dictionary are like those under the key before.
    this.last = parent?.last ?? nothing ?? this
  }

  /** One more key of a stray. */
  append(key: string): void {
    this.names?.push(key)
    this.length++
    this.isCostly ||= isIndex(key)
  }

  /** All keys, from the root on; made when they are first asked for. */
  keys(): readonly string[] {
    this.names ??= this.#chain().map(({ key }) => key)
    return this.names
  }

  /** A place for each key, from the root on; made when objects of this shape repeat. */
  places(): readonly ShapeNode[] {
    this.nodes ??= this.isLinked ? this.#chain() : this.#strayPlaces()
    return this.nodes
  }

  /** The nodes from the root, without it, to here. */
  #chain(): ShapeNode[] {
    const nodes = new Array<ShapeNode>(this.length)
    for (let node: ShapeNode = this; node.parent !== undefined; node = node.parent)
      nodes[node.length - 1] = node
    return nodes
  }

  #strayPlaces(): ShapeNode[] {
    const known = this.parent?.places() ?? []
    return this.keys().map((key, i) => known[i] ?? new ShapeNode(key, this, 1, true))
  }

  /** Whether the object is plain and has exactly these keys, if a generated function can tell. */
  recognises(object: object): boolean {
    return this.test?.(object) === true
  }

  /** Whether a plain object that is not recognised has exactly these keys, in this order. */
  isLike(object: object): boolean {
    // V8 lists the keys of a hash table before it gives the first.
    if (this.test !== undefined || this === nothing) return false
    const names = this.keys()
    if (this.isCostly && this.length > 0) return isSameList(Object.keys(object), names)
    let i = 0
    for (const key in object) if (key !== names[i++]) return false
    return i === names.length
  }

  /** Writes the values of an object that is like this shape. */
  write(walk: Walk, object: Record<string, unknown>): void {
    if (this.fields !== undefined) return this.fields(walk, object)
    const nodes = this.places()
    // Noted on the way, when the shape is warm: a getter must not be called twice.
    const isWarm = ++this.count === WARM && this.isLinked
    const met: unknown[] | undefined = isWarm && walk.settings.limits.codegen ? [] : undefined
    let i = 0
    try {
      for (; i < nodes.length; i++) {
        const value = object[nodes[i].key]
        met?.push(value)
        walk.value(value, nodes[i])
      }
    } catch (error) {
      throw traced(error, nodes[i].key)
    }
    if (met === undefined) return
    this.fields = generateFields(nodes, met)
    if (!this.isCostly) this.test = generateTest(this.keys())
  }
}

/** `for…in` looks every index up again (2.5 times slower: measured), so such objects are compared by their key list. */
function isSameList(keys: readonly string[], names: readonly string[]): boolean {
  return keys.length === names.length && keys.every((key, i) => key === names[i])
}

nothing = new ShapeNode('', undefined, 0, true)

export class Shapes {
  root = new ShapeNode('', undefined, 0, true)
  /** The place of the message's root value. */
  slot = new ShapeNode('', undefined, 0, true)
  /** Number of the message; no two messages of one encoder share it. */
  message = 0
  /** How often ids began: anew with each message, unless they are kept. */
  epoch = 1
  /** Shapes by their id: the first `count`. Cutting the list is a call into the engine, too dear for each small message. */
  readonly used: ShapeNode[] = []
  count = 0
  /** How many of them the receiver knows from the messages before. 0: ids begin anew with the next one. */
  #told = 0
  #nodes = 0
  #units = 0
  #bytes = 0
  /** Whether the trie had no room for a shape of this message. */
  #isFull = false
  readonly #patience = new Patience()
  /** Whether there were more shapes than it holds: then a new one is not kept before it comes again. */
  #hasBegunAnew = false
  /** Shapes of this message that the trie does not hold, by their keys, and the places that predict one of them. */
  readonly #strays = new Map<string, ShapeNode>()
  #strayed: ShapeNode[] = []

  /** `isKept`: ids stay what they were in the message before, whose receiver is the same. */
  begin(isKept: boolean): void {
    this.message++
    if (!isKept || this.#isFull || this.#told === 0) {
      this.epoch++
      this.count = 0
      this.#told = 0
    }
    if (!this.#isFull) return
    this.#isFull = false
    if (!this.#patience.isOver()) return
    this.#hasBegunAnew = true
    this.#nodes = 0
    this.#units = 0
    this.#bytes = 0
    this.root = new ShapeNode('', undefined, 0, true)
    this.slot = new ShapeNode('', undefined, 0, true)
  }

  end(): void {
    const hasStrays = this.#strays.size > 0
    if (this.used.length <= MOST_KEPT && !hasStrays) return
    this.#told = 0
    this.used.length = 0
    if (!hasStrays) return
    this.#strays.clear()
    for (const slot of this.#strayed) slot.last = nothing as ShapeNode
    this.#strayed = []
  }

  /** Whether the message must say what its shapes are. */
  get areNew(): boolean {
    return this.count > this.#told
  }

  /** The receiver knows no shapes: what was to tell it did not arrive, or something else did since. */
  forget(): void {
    this.#told = 0
  }

  /** The node of `key` after `node`. */
  follow(node: ShapeNode, key: string): ShapeNode {
    if (!node.isLinked) {
      node.append(key)
      return node
    }
    let child = node.children?.get(key)
    if (child === undefined) {
      const isLinkable = node.length < MOST_KEYS && key.length <= LONGEST_KEY
      const hasRoom = this.#nodes < MOST_NODES && this.#units < MOST_UNITS && this.#bytes < MOST_BYTES
      const isLinked = isLinkable && hasRoom && (node.children?.size ?? 0) < MOST_CHILDREN
      child = new ShapeNode(key, node, node.length + 1, isLinked)
      if (!isLinked) {
        this.#isFull ||= isLinkable
        return child
      }
      if (!child.last.isLinked) this.#strayed.push(child)
      this.#nodes++
      this.#units += key.length
      node.children = (node.children ?? new Map<string, ShapeNode>()).set(key, child)
    }
    return child
  }

  /** The shape whose last key is this node's: the first of this message with the same keys, where the trie does not hold it. */
  shapeAt(node: ShapeNode): ShapeNode {
    if (node.isLinked) return node
    const keys = node.keys()
    // Where a key has the separator in it, other keys may have the same name: such a shape may be listed more than once.
    const name = keys.join('\0')
    const known = this.#strays.get(name)
    if (known !== undefined && isSameList(keys, known.keys())) return known
    this.#strays.set(name, node)
    return node
  }

  /** Predicts a shape for the next object at this place; one that the trie does not hold when it comes again. */
  expect(slot: ShapeNode, shape: ShapeNode): void {
    if (!shape.isLinked) {
      if (shape.epoch !== this.epoch) return
      this.#strayed.push(slot)
    }
    slot.last = shape
  }

  /** The id of a shape in this message. */
  idOf(node: ShapeNode): number {
    if (node.epoch === this.epoch) return node.id
    node.epoch = this.epoch
    node.id = this.count
    this.used[this.count++] = node
    return node.id
  }

  /**
   * Appends all shapes that have an id. They are kept while that is little, and each may come again: else dictionaries
   * would be told again with every message after theirs, which might then be longer than its receiver allows.
   */
  finish(out: Writer): void {
    const { pos, limit } = out
    let mayBeKept = true
    for (let id = 0; id < this.count; id++) {
      const node = this.used[id]
      if (node.bytes !== undefined) out.append(node.bytes, node.doubles)
      else {
        mayBeKept &&= node.isLinked && !this.#hasBegunAnew
        if (node.isLinked) this.#append(out, node)
        else writeShape(out, node.keys())
      }
    }
    const isLittle = out.pos - pos <= Math.min(MOST_TOLD, limit / SHARE)
    this.#told = mayBeKept && isLittle ? this.count : 0
  }

  /** Appends a shape of the trie, and keeps its bytes for the next message. */
  #append(out: Writer, node: ShapeNode): void {
    const bytes = shapeBytes(node.keys())
    node.bytes = bytes
    if (bytes.length <= MOST_BY_DOUBLES) node.doubles = doublesOf(bytes)
    this.#bytes += bytes.length
    out.append(bytes)
  }
}
