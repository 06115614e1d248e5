/** Blobs and Files, read before they are encoded. */
import { openAsBlob } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Box, box } from '../../fixtures/classes.js'
import { dump, load } from '../../src/file/index.js'
import { decode, encode, registry } from '../../src/index.js'
import { blobTypes, readBlobs, webTypes } from '../../src/types/index.js'
import { refused } from '../thrown.js'

const types = registry(...blobTypes, ...webTypes, box)
const test = suite('ready-made types of Blobs')

const file = () => new File(['out of ', 'band'], 'ä.txt', { type: 'text/plain', lastModified: 12 })
const look = async (blob: Blob) => [
  // Not its prototype: in Node 22 that of a part of a Blob is one of Node's own.
  Object.prototype.toString.call(blob),
  blob.type,
  await blob.text(),
  (blob as File).name,
  (blob as File).lastModified,
]

const rows: readonly [name: string, make: () => Blob][] = [
  ['a Blob', () => new Blob(['a', new Uint8Array([98])], { type: 'text/x-band' })],
  ['an empty Blob', () => new Blob([])],
  ['a large Blob', () => new Blob([new Uint8Array(100_000).fill(65)])],
  ['a part of a Blob', () => new Blob(['abcdef']).slice(2, 4, 'a/b')],
  ['a File', file],
]
for (const [name, make] of rows) {
  test(`${name} arrives as it was, wherever it is in the value`, async () => {
    const blob = make()
    const value = await readBlobs(
      { list: [blob], map: new Map([[blob, new Box(blob)]]), url: new URL('a:b') },
      { types },
    )
    const arrived = decode<typeof value>(encode(value, { types }), { types })
    const [copy] = arrived.list
    assert.equal(await look(copy as Blob), await look(blob))
    assert.is(arrived.map.get(copy as Blob)?.content, copy)
    assert.is(arrived.url.href, 'a:b')
  })
}

test('without options the types are those of the platform', async () => {
  const value = { blob: new Blob(['a']), url: new URL('a:b') }
  assert.is(await readBlobs(value), value)
  encode(value, { types })
})

test('a File is a Blob where there is no such class', async () => {
  const packet = encode(await readBlobs(file()), { types })
  const there = Object.getOwnPropertyDescriptor(globalThis, 'File') as PropertyDescriptor
  Reflect.deleteProperty(globalThis, 'File')
  try {
    assert.equal(await look(decode<Blob>(packet, { types })), [
      '[object Blob]',
      'text/plain',
      'out of band',
      undefined,
      undefined,
    ])
  } finally {
    Object.defineProperty(globalThis, 'File', there)
  }
})

test('one that was not read is refused, with its path', () => {
  const error = refused(() => encode({ at: [new Blob(['a'])] }, { types }), 'UNSUPPORTED')
  assert.match(error.message, /readBlobs/)
  assert.is(error.path, 'value.at[0]')
})

test('what else cannot travel is refused before anything is read', async () => {
  const failed = await readBlobs({ at: [() => {}] }).catch(error => error)
  assert.is(failed.code, 'UNSUPPORTED')
})

test('a file that changes while it is read fails, and is none of those read', async () => {
  const path = join(tmpdir(), `outband-blob-${process.pid}`)
  await writeFile(path, 'abc')
  const blob = await openAsBlob(path)
  await writeFile(path, 'another length')
  assert.is((await readBlobs([blob]).catch(error => error)).name, 'NotReadableError')
  refused(() => encode(blob, { types }), 'UNSUPPORTED')
  await rm(path)
})

test('they go into a file and come back', async () => {
  const path = join(tmpdir(), `outband-blobs-${process.pid}`)
  const sent = await readBlobs([file(), new Blob(['b'.repeat(10_000)])])
  await dump(path, sent, { types })
  const arrived = await load<Blob[]>(path, { types })
  for (const [i, blob] of sent.entries()) assert.equal(await look(arrived[i] as Blob), await look(blob))
  await rm(path)
})

test.run()
