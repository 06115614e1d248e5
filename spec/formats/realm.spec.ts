/** Formats where a test runner (jest or vitest, with jsdom) puts classes of another realm in the place of the globals. */
import { inspect } from 'node:util'
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

for (const name of ['Uint8Array', 'ArrayBuffer']) Reflect.set(globalThis, name, runInNewContext(name))
// The libraries keep the classes that they find when they are loaded.
const { decode, encode } = await import('../../src/index.js')
const { cbor } = await import('../../src/formats/cbor.js')
const { flexbuffers } = await import('../../src/formats/flexbuffers.js')
const { msgpack } = await import('../../src/formats/msgpack.js')

const rows: [name: string, value: unknown][] = [
  ['a long array of numbers', new Float64Array(1000)],
  ['a short one', Float64Array.of(1, 2.5)],
  ['bytes', Uint8Array.of(1, 2, 3)],
  ['a Buffer', Buffer.from('bytes')],
  ['an ArrayBuffer', new ArrayBuffer(9)],
  ['a DataView', new DataView(new ArrayBuffer(4))],
  ['a Map and a Set', [new Map([[1, new Set(['a'])]])]],
  ['a Date', new Date(5)],
  ['a BigInt', -(2n ** 80n)],
]

const test = suite('formats: globals of another realm')

for (const format of [msgpack, cbor, flexbuffers]) {
  for (const threshold of [0, Number.POSITIVE_INFINITY]) {
    const place = threshold === 0 ? 'out of band' : 'in band'
    test(`${format.name}: values arrive as they were, memory ${place}`, () => {
      for (const [name, value] of rows) {
        const arrived = decode(encode({ value }, { format, threshold }), { format })
        assert.is(inspect(arrived), inspect({ value }), name)
      }
    })
  }
}

test.run()
