// Graph comparison: two values are the same when a walk over both at once meets the same kinds, the same
// primitives (-0 and NaN told apart), the same own keys in the same order, the same bytes in every window,
// and the same sharing: one object on the left is one object on the right, and views that overlap or touch
// on one ArrayBuffer do so again.

export type Aspect =
  | 'type'
  | 'value'
  | '-0'
  | 'identity'
  | 'length'
  | 'holes'
  | 'keys'
  | 'bytes'
  | 'resizable'
  | 'aliasing'

export interface Difference {
  readonly path: string
  readonly what: Aspect
}

type Pair = readonly [left: unknown, right: unknown, path: string]
type Memory = ArrayBufferView | ArrayBufferLike
interface Window {
  readonly buffer: ArrayBufferLike
  readonly start: number
  readonly end: number
}

/** Lists where `right` differs from `left`, at most `most` places; an empty list means equal. */
export function differences(left: unknown, right: unknown, most = 16): Difference[] {
  return new Comparison(most).run(left, right)
}

class Comparison {
  private readonly found: Difference[] = []
  private readonly stack: Pair[] = []
  private readonly forward = new Map<object, object>()
  private readonly backward = new Map<object, object>()
  private readonly windows: { left: Window; right: Window; path: string }[] = []

  private readonly most: number

  constructor(most: number) {
    this.most = most
  }

  run(left: unknown, right: unknown): Difference[] {
    this.stack.push([left, right, '$'])
    for (let pair = this.stack.pop(); pair && this.found.length < this.most; pair = this.stack.pop()) {
      this.pair(...pair)
    }
    if (this.found.length < this.most) this.aliasing()
    return this.found
  }

  private differ(path: string, what: Aspect): void {
    this.found.push({ path, what })
  }

  private pair(left: unknown, right: unknown, path: string): void {
    if (!isObject(left) || !isObject(right)) {
      if (Object.is(left, right)) return
      this.differ(
        path,
        typeof left !== typeof right || isObject(left) ? 'type' : left === right ? '-0' : 'value',
      )
      return
    }
    if (this.forward.has(left) || this.backward.has(right)) {
      if (this.forward.get(left) !== right) this.differ(path, 'identity')
      return
    }
    this.forward.set(left, right)
    this.backward.set(right, left)
    if (Object.getPrototypeOf(left) !== Object.getPrototypeOf(right) || kindOf(left) !== kindOf(right)) {
      this.differ(path, 'type')
      return
    }
    this.contents(left, right, path)
  }

  private contents(left: object, right: object, path: string): void {
    if (isMemory(left)) {
      this.memory(left, right as Memory, path)
      return
    }
    if (left instanceof Map) this.entries([...left].flat(), [...(right as typeof left)].flat(), path)
    else if (left instanceof Set) this.entries([...left], [...(right as typeof left)], path)
    else if (left instanceof RegExp) {
      if (String(left) !== String(right)) this.differ(path, 'value')
      return
    } else if (left instanceof Date || isBoxed(left)) {
      if (!Object.is(left.valueOf(), right.valueOf())) this.differ(path, 'value')
    }
    this.properties(left as Record<PropertyKey, unknown>, right as Record<PropertyKey, unknown>, path)
  }

  private entries(left: unknown[], right: unknown[], path: string): void {
    if (left.length !== right.length) this.differ(path, 'length')
    else for (let i = left.length - 1; i >= 0; i--) this.stack.push([left[i], right[i], `${path}<${i}>`])
  }

  private properties(
    left: Record<PropertyKey, unknown>,
    right: Record<PropertyKey, unknown>,
    path: string,
  ): void {
    if (Array.isArray(left) && left.length !== (right as { length?: unknown }).length) {
      this.differ(path, 'length')
      return
    }
    const keys = Reflect.ownKeys(left)
    const others = Reflect.ownKeys(right)
    // An error's own names are set by whoever rebuilt it, in an order that says nothing.
    if (left instanceof Error) {
      keys.sort(byName)
      others.sort(byName)
    }
    if (keys.length !== others.length || keys.some((key, i) => key !== others[i])) {
      this.differ(path, Array.isArray(left) ? 'holes' : 'keys')
      return
    }
    for (let i = keys.length - 1; i >= 0; i--) {
      const key = keys[i] as PropertyKey
      this.stack.push([left[key], right[key], `${path}.${String(key)}`])
    }
  }

  private memory(left: Memory, right: Memory, path: string): void {
    if (left.byteLength !== right.byteLength) {
      this.differ(path, 'length')
      return
    }
    const from = windowOf(left)
    const to = windowOf(right)
    if (Buffer.compare(bytesOf(from), bytesOf(to)) !== 0) this.differ(path, 'bytes')
    if (!ArrayBuffer.isView(left) && maxOf(left) !== maxOf(right as ArrayBufferLike))
      this.differ(path, 'resizable')
    if (left.byteLength > 0) this.windows.push({ left: from, right: to, path })
  }

  /** Sorted by place in memory, a window shares bytes with an earlier one exactly when it starts before their end. */
  private aliasing(): void {
    for (const [side, other] of [
      ['left', 'right'],
      ['right', 'left'],
    ] as const) {
      const order = new Map<ArrayBufferLike, number>()
      for (const window of this.windows)
        order.set(window[side].buffer, order.get(window[side].buffer) ?? order.size)
      const sorted = this.windows.slice().sort((a, b) => {
        const [one, two] = [a[side], b[side]]
        return (
          (order.get(one.buffer) ?? 0) - (order.get(two.buffer) ?? 0) ||
          one.start - two.start ||
          two.end - one.end
        )
      })
      let widest: (typeof sorted)[number] | undefined
      for (const window of sorted) {
        const [here, there] = [window[side], window[other]]
        const shared = widest?.[side].buffer === here.buffer && meets(here.start, widest[side].end, side)
        if (widest && shared) {
          const kept = widest[other].buffer === there.buffer
          const moved = there.start - widest[other].start !== here.start - widest[side].start
          if (!kept || moved) this.differ(window.path, 'aliasing')
        }
        if (!widest || !shared || here.end > widest[side].end) widest = window
      }
    }
  }
}

// Touching windows must alias again; windows that merely lie side by side on the right took nothing away.
const meets = (start: number, end: number, side: 'left' | 'right'): boolean =>
  side === 'left' ? start <= end : start < end

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
const kindOf = (value: object): string => Object.prototype.toString.call(value)
const byName = (a: PropertyKey, b: PropertyKey): number => (String(a) < String(b) ? -1 : 1)

function isMemory(value: object): value is Memory {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer
}

function isBoxed(value: object): boolean {
  return (
    value instanceof Number || value instanceof String || value instanceof Boolean || value instanceof BigInt
  )
}

function windowOf(memory: Memory): Window {
  if (!ArrayBuffer.isView(memory)) return { buffer: memory, start: 0, end: memory.byteLength }
  return { buffer: memory.buffer, start: memory.byteOffset, end: memory.byteOffset + memory.byteLength }
}

const bytesOf = ({ buffer, start, end }: Window): Uint8Array => new Uint8Array(buffer, start, end - start)

/** The ceiling of a resizable or growable buffer; undefined for a fixed one. */
function maxOf(buffer: ArrayBufferLike): number | undefined {
  const { resizable, growable, maxByteLength } = buffer as {
    resizable?: boolean
    growable?: boolean
    maxByteLength?: number
  }
  return resizable || growable ? maxByteLength : undefined
}
