/** What the page and its workers say to each other beside the values. */

/** What becomes of the values that follow: `count` are taken in, then answered at once; or each is sent back. */
export interface Order {
  readonly order: 'take' | 'return'
  readonly count: number
  /** Whether what goes back is moved. */
  readonly isMoved: boolean
}

export const DONE = 'done'

export function isOrder(message: unknown): message is Order {
  return typeof message === 'object' && message !== null && 'order' in message && 'isMoved' in message
}

type Fields = Readonly<Record<string, unknown>>

/** The transfer list that somebody who knows the workload writes by hand. */
export function memoryOf(value: unknown): ArrayBuffer[] {
  const { values, planes, attributes, index } = value as {
    values?: Float32Array<ArrayBuffer>
    planes?: readonly Uint8Array<ArrayBuffer>[]
    attributes?: Readonly<Record<string, { array: Float32Array<ArrayBuffer> }>>
    index?: { array: Uint32Array<ArrayBuffer> }
  } & Fields
  // Every array has a method of that name.
  if (ArrayBuffer.isView(values)) return [values.buffer]
  if (planes !== undefined) return planes.map(({ buffer }) => buffer)
  if (attributes === undefined || index === undefined) return []
  const { position, normal, uv } = attributes
  return [position!.array.buffer, normal!.array.buffer, uv!.array.buffer, index.array.buffer]
}
