/** What the libraries read wrong, with their native addons or without: it goes to readers of our own. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { cbor } from '../../src/formats/cbor.js'
import { decode, encode } from '../../src/index.js'
import { difference } from '../same.js'
import { formats } from './kit.js'

/** Without the addons the libraries read text by a TextDecoder; whether they are there is known when a process starts. */
const WITHOUT_ADDONS = {
  CBOR_NATIVE_ACCELERATION_DISABLED: 'true',
  MSGPACKR_NATIVE_ACCELERATION_DISABLED: 'true',
}
const hasAddons = process.env.CBOR_NATIVE_ACCELERATION_DISABLED !== 'true'

const marked = (length: number): string => `\ufeff${'a'.repeat(length - 1)}`
const texts: readonly (readonly [name: string, make: () => unknown])[] = [
  ['text that begins with U+FEFF', () => marked(64)],
  ['text of two of them', () => `\ufeff${marked(64)}`],
  ['short ones and long ones', () => Array.from({ length: 300 }, (_, i) => marked(i + 1))],
  ['more than 64 KiB', () => marked(70_000)],
  ['wide text', () => `${marked(2)}${'\u4e2d'.repeat(64)}`],
  ['two keys that differ in it', () => ({ [marked(64)]: 1, [marked(64).slice(1)]: 2 })],
  ['keys of a Map', () => new Map([[marked(64), new Set([marked(65), marked(65).slice(1)])]])],
  ['beside views and dates', () => [marked(99), new Float32Array(3), new Date(5), Uint8Array.of(1)]],
  ['beside __proto__', () => JSON.parse(`{"__proto__":1,"a":"${marked(80)}"}`)],
  ['U+FEFF in the middle', () => `a${marked(80)}`],
]

for (const format of formats) {
  const test = suite(`formats: text that ${format.name} might misread${hasAddons ? '' : ', without addons'}`)
  for (const [name, make] of texts) {
    test(name, () => {
      const found = difference(make(), decode(encode(make(), { format, threshold: 0 }), { format }))
      assert.is(found, undefined, found)
    })
  }
  test.run()
}

/** Text of two bytes that are no UTF-8, a head before them. */
const HEADS: Readonly<Record<string, number>> = { msgpack: 0xa2, cbor: 0x62 }
const others = suite(`formats: bytes that are no UTF-8${hasAddons ? '' : ', without addons'}`)
for (const format of formats) {
  others(`${format.name} has U+FFFD for them`, () => {
    const meta = Uint8Array.of(HEADS[format.name]!, 0xc3, 0x28)
    assert.is(decode({ meta, buffers: [] }, { format }), '\ufffd(')
  })
}
others.run()

const long = 'a'.repeat(60)
const heads = suite(`formats: lengths of eight bytes in CBOR${hasAddons ? '' : ', without addons'}`)
const eight = (major: number, length: number) => [(major << 5) | 27, 0, 0, 0, 0, 0, 0, 0, length]
const text = (chars: string) => [0x78, chars.length, ...Buffer.from(chars)]
const rows: readonly (readonly [name: string, bytes: readonly number[], wanted: unknown])[] = [
  ['text', [0x82, ...text(long), ...eight(3, 1), 0x62], [long, 'b']],
  ['bytes', [0x82, ...text(long), ...eight(2, 1), 0x62], [long, Uint8Array.of(0x62)]],
  ['text before text', [0x82, ...eight(3, 60), ...Buffer.from(long), ...text(long)], [long, long]],
  ['a key', [0xa2, ...text(long), 1, ...eight(3, 1), 0x62, 2], { [long]: 1, b: 2 }],
  ['the bytes of a BigInt', [0x82, ...text(long), 0xc2, ...eight(2, 1), 5], [long, 5n]],
  [
    'the text of a date',
    [0x82, ...text(long), 0xc0, ...eight(3, 20), ...Buffer.from('1970-01-01T00:00:01Z')],
    [long, new Date(1000)],
  ],
  ['an array', [0x82, ...text(long), ...eight(4, 1), 5], [long, [5]]],
  ['a map', [0x82, ...text(long), ...eight(5, 1), 0x61, 0x62, 5], [long, { b: 5 }]],
]
for (const [name, bytes, wanted] of rows) {
  heads(name, () => {
    const value = decode({ meta: Uint8Array.from(bytes), buffers: [] }, { format: cbor })
    assert.is(difference(wanted, value), undefined)
  })
}
if (hasAddons) {
  heads('all of this without the addons', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url)], {
      env: { ...process.env, ...WITHOUT_ADDONS },
    })
    assert.is(status, 0, `${stdout}${stderr}`)
  })
}
heads.run()
