/**
 * Shape prediction. Key lists live in a trie: a node is a key after its parent's keys, the root is `{}`.
 * Every node remembers which key came next last time, and which key began the last object found at its
 * place in the value, so an object like the one before it is recognised by one pointer compare a key.
 *
 * The trie lives as long as its encoder, bounded: keys past the bounds get nodes of their own that no
 * one else finds (dictionaries with ids for keys would fill it otherwise).
 */
import { shapeBytes } from '../wire/shapes.js'

const MOST_NODES = 4096
const MOST_CHILDREN = 256
const MOST_KEYS = 128

/** Matches no key: where nothing is predicted yet. */
let nothing: ShapeNode | undefined

export class ShapeNode {
  readonly key: string
  readonly parent: ShapeNode | undefined
  /** Number of keys from the root to here. */
  readonly length: number
  /** Whether the trie holds this node, so that others may find it. */
  readonly isLinked: boolean
  children: Map<string, ShapeNode> | undefined = undefined
  /** Predicted: the node of the key after this one. */
  next: ShapeNode
  /** Predicted, for objects that are the value of this key: the node of their first key, and of their last. */
  first: ShapeNode
  last: ShapeNode
  /** Message in which `id` is valid. */
  epoch = 0
  id = 0
  /** Message in which `arrays` is valid; see `containers.ts`. */
  arraysEpoch = 0
  arrays = 0
  bytes: Uint8Array | undefined = undefined

  constructor(key: string, parent: ShapeNode | undefined, length: number, isLinked: boolean) {
    this.key = key
    this.parent = parent
    this.length = length
    this.isLinked = isLinked
    this.next = nothing ?? this
    // Objects under one key of a dictionary are like those under the key before.
    this.first = parent?.first ?? this.next
    this.last = this.next
  }

  keys(): string[] {
    const keys = new Array<string>(this.length)
    for (let node: ShapeNode = this; node.parent !== undefined; node = node.parent)
      keys[node.length - 1] = node.key
    return keys
  }
}

nothing = new ShapeNode(undefined as never, undefined, 0, false)

export class Shapes {
  root = new ShapeNode('', undefined, 0, true)
  /** The place of the message's root value. */
  slot = new ShapeNode('', undefined, 0, true)
  /** Number of the message; no two messages of one encoder share it. */
  epoch = 0
  /** Shapes of this message by their id. */
  readonly used: ShapeNode[] = []
  #nodes = 0

  begin(): void {
    this.epoch++
    if (this.#nodes < MOST_NODES) return
    this.#nodes = 0
    this.root = new ShapeNode('', undefined, 0, true)
    this.slot = new ShapeNode('', undefined, 0, true)
  }

  end(): void {
    this.used.length = 0
  }

  /** The node of `key` after `node`, when the prediction was wrong; predicts it next time. */
  follow(node: ShapeNode, key: string, slot: ShapeNode): ShapeNode {
    let child = node.children?.get(key)
    if (child === undefined) {
      const isLinked =
        node.isLinked &&
        node.length < MOST_KEYS &&
        this.#nodes < MOST_NODES &&
        (node.children === undefined || node.children.size < MOST_CHILDREN)
      child = new ShapeNode(key, node, node.length + 1, isLinked)
      if (!isLinked) return child
      this.#nodes++
      node.children ??= new Map()
      node.children.set(key, child)
    }
    if (node === this.root) slot.first = child
    else node.next = child
    return child
  }

  /** The id of a shape in this message. */
  idOf(node: ShapeNode): number {
    if (node.epoch === this.epoch) return node.id
    node.epoch = this.epoch
    node.id = this.used.length
    this.used.push(node)
    return node.id
  }

  bytesOf(node: ShapeNode): Uint8Array {
    if (node.bytes !== undefined) return node.bytes
    const bytes = shapeBytes(node.keys())
    if (node.isLinked) node.bytes = bytes
    return bytes
  }
}
