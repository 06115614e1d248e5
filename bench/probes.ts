// What a contestant loses: small values that are hard to carry, each taken out and back and compared as a
// graph. A loss is printed beside the speed, because a fast answer that dropped something is not the same job.

import { differences } from '../src/cli/compare.js'
import type { Contestant } from './contestant.js'

export interface Fidelity {
  readonly kept: readonly string[]
  readonly lost: readonly string[]
}

const probes: Readonly<Record<string, () => unknown>> = {
  '-0': () => [-0],
  NaN: () => [Number.NaN, Number.POSITIVE_INFINITY],
  undefined: () => ({ key: undefined, list: [undefined] }),
  holes: () => {
    const list = [1, 2, 3]
    delete list[1]
    return list
  },
  'array properties': () => Object.assign([1, 2], { name: 'pair' }),
  surrogate: () => ['\ud800x'],
  bigint: () => [2n ** 70n, -1n],
  boxed: () => [new Number(-0), new String('text'), new Boolean(false)],
  'own __proto__': () => JSON.parse('{"__proto__":{"polluted":true},"after":1}'),
  'null prototype': () => Object.assign(Object.create(null), { key: 1 }),
  Date: () => [new Date(1.5e12), new Date(Number.NaN)],
  RegExp: () => [/a+\/b/giu],
  Map: () => new Map<unknown, unknown>([[{ key: 1 }, new Map([[1, 2]])]]),
  Set: () => new Set([1, 'a', { key: 1 }]),
  Error: () => [new RangeError('out of it', { cause: 'why' })],
  'Error fields': () => Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
  identity: () => {
    const shared = { name: 'one' }
    return [shared, shared]
  },
  cycle: () => {
    const loop: unknown[] = [1]
    loop.push(loop)
    return loop
  },
  'Map cycle': () => {
    const map = new Map<string, unknown>()
    return map.set('self', map)
  },
  ArrayBuffer: () => [new Uint8Array([1, 2, 3]).buffer],
  resizable: () => [new ArrayBuffer(4, { maxByteLength: 16 })],
  'array kinds': () => [
    new Float32Array([0.1]),
    new Uint16Array([1, 2]),
    new Int8Array([-1]),
    new Uint8ClampedArray([300]),
  ],
  BigInt64Array: () => [new BigInt64Array([1n, -1n])],
  DataView: () => [new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2)],
  window: () => [new Uint16Array(new ArrayBuffer(64), 8, 4)],
  aliasing: () => {
    const { buffer } = new Float32Array([1, 2, 3, 4])
    return [new Float32Array(buffer), new Uint8Array(buffer, 4, 8)]
  },
  Buffer: () => [Buffer.from('text')],
}

/** Takes every probe through a contestant. */
export async function fidelity(contestant: Contestant): Promise<Fidelity> {
  const kept: string[] = []
  const lost: string[] = []
  for (const [name, make] of Object.entries(probes)) {
    ;((await survives(contestant, make())) ? kept : lost).push(name)
  }
  return { kept, lost }
}

async function survives(contestant: Contestant, value: unknown): Promise<boolean> {
  try {
    const session = await contestant.open(value)
    const result = await session.result()
    await session.close?.()
    return differences(value, result, 1).length === 0
  } catch {
    return false
  }
}
