/** What the specs of comlink call, on either side: proxies, handlers of its own, memory given away. */
import * as Comlink from 'comlink'
import { api } from './kit.js'

/** Carried by a handler of Comlink's, not by a custom type. */
export class Temperature {
  constructor(readonly celsius: number) {}
}

export class Counter {
  count = 0
  add(values: Float64Array): number {
    this.count += values.length
    return this.count
  }
}

export function setUp(): void {
  Comlink.transferHandlers.set('temperature', {
    canHandle: (value): value is Temperature => value instanceof Temperature,
    serialize: value => [{ kelvin: (value as Temperature).celsius + 273 }, []],
    deserialize: value => new Temperature((value as { kelvin: number }).kelvin - 273),
  })
  // Names what moves and leaves the value as it is.
  Comlink.transferHandlers.set('pixels', {
    canHandle: (value): value is Uint8ClampedArray => value instanceof Uint8ClampedArray,
    serialize: value => [value, [(value as Uint8ClampedArray).buffer as ArrayBuffer]],
    deserialize: value => value,
  })
}

const kept = new Float64Array(1024)
type Progress = (done: Float64Array) => unknown

export const methods = {
  ...api,
  state: { values: new Float64Array(1024).fill(3) },
  keep: (): Float64Array => kept,
  give: (): { kept: Float64Array } => Comlink.transfer({ kept }, [kept.buffer]),
  left: (): number => kept.byteLength,
  warmer: ({ now }: { now: Temperature }): { next: Temperature[] } => ({
    next: [new Temperature(now.celsius + 1)],
  }),
  /** Calls back out of the depth of its argument. */
  run: async ({ steps, on }: { steps: number; on: { progress: Progress } }): Promise<unknown[]> => {
    const answers: unknown[] = []
    for (let i = 1; i <= steps; i++) answers.push(await on.progress(new Float64Array(600).fill(i)))
    return answers
  },
  direct: async (progress: Progress & Partial<Comlink.ProxyMethods>): Promise<unknown> => {
    const answer = await progress(new Float64Array(600).fill(1))
    // In one thread its two ports would keep each other, and the thread, alive.
    progress[Comlink.releaseProxy]?.()
    return answer
  },
  /** A live object inside a result. */
  counters: (): { list: { add(values: Float64Array): number }[] } => ({
    list: [Comlink.proxy(new Counter()), Comlink.proxy(new Counter())],
  }),
}

export type Methods = typeof methods & { Counter: typeof Counter }
