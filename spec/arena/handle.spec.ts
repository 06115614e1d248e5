import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isOutbandError } from '../../src/errors.js'
import {
  HANDLE_BYTES,
  type Handle,
  MAX_BLOCK,
  readHandle,
  writeHandle,
} from '../../src/memory/arena/handle.js'
import { thrown } from '../thrown.js'

const ID = new Uint8Array(16).map((_, i) => 200 + i)
const SEGMENT = 2 ** 33

const handle: Handle = {
  isReadonly: true,
  lease: 2 ** 32 - 1,
  tag: -5,
  blockOffset: 2 ** 32 + 64,
  blockBytes: 1000,
  byteOffset: 100,
  byteLength: 900,
}

const test = suite('arena: handles')

test('a handle is 64 bytes, and read as it was written', () => {
  for (const isReadonly of [true, false]) {
    const bytes = writeHandle(ID, { ...handle, isReadonly })
    assert.is(bytes.length, HANDLE_BYTES)
    assert.equal(readHandle(bytes, ID, SEGMENT), { ...handle, isReadonly })
  }
})

test('a buffer without bytes has a handle to nothing', () => {
  assert.is(readHandle(writeHandle(ID, undefined), ID, SEGMENT), undefined)
})

const malformed: [name: string, change: Partial<Handle>][] = [
  ['a block over the head', { blockOffset: 0 }],
  ['a block at no multiple of 64', { blockOffset: 65 }],
  ['a block that ends behind the segment', { blockOffset: SEGMENT - 64 }],
  ['a block behind the segment', { blockOffset: 2 ** 60 }],
  ['a block longer than any ArrayBuffer', { blockOffset: 64, blockBytes: MAX_BLOCK + 1 }],
  ['a window that ends behind its block', { byteLength: 901 }],
  ['a window behind its block', { byteOffset: 2 ** 53 }],
  ['a window of no bytes', { byteLength: 0 }],
  ['numbers whose sum is beyond 2**64', { blockBytes: 2 ** 63, byteOffset: 2 ** 63, byteLength: 2 ** 63 }],
]
for (const [name, change] of malformed) {
  test(`${name} is MALFORMED`, () => {
    const bytes = writeHandle(ID, { ...handle, ...change })
    assert.ok(
      isOutbandError(
        thrown(() => readHandle(bytes, ID, SEGMENT)),
        'MALFORMED',
      ),
    )
  })
}

test('a handle of another arena is SHM_STALE', () => {
  const bytes = writeHandle(
    ID.map(byte => byte + 1),
    handle,
  )
  assert.ok(
    isOutbandError(
      thrown(() => readHandle(bytes, ID, SEGMENT)),
      'SHM_STALE',
    ),
  )
})

test('every prefix, and a byte more, is MALFORMED', () => {
  const bytes = new Uint8Array([...writeHandle(ID, handle), 0])
  for (let length = 0; length <= HANDLE_BYTES + 1; length++) {
    if (length === HANDLE_BYTES) continue
    assert.ok(
      isOutbandError(
        thrown(() => readHandle(bytes.subarray(0, length), ID, SEGMENT)),
        'MALFORMED',
      ),
    )
  }
})

test('with any bit flipped it is refused, or its window still lies in its block and that in the segment', () => {
  for (const original of [handle, undefined]) {
    const bytes = writeHandle(ID, original)
    for (let bit = 0; bit < HANDLE_BYTES * 8; bit++) {
      const flipped = bytes.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      let read: Handle | undefined
      try {
        read = readHandle(flipped, ID, SEGMENT)
      } catch (error) {
        assert.ok(isOutbandError(error, 'MALFORMED', 'SHM_STALE'), String(error))
        continue
      }
      assert.ok(read !== undefined && read.blockOffset >= 64, String(bit))
      assert.ok(read.blockOffset + read.blockBytes <= SEGMENT)
      assert.ok(read.byteOffset + read.byteLength <= read.blockBytes)
    }
  }
})

test.run()
