/** Ready-made types where the platform has all of their classes. */
import * as assert from 'uvu/assert'
import { decode, encode, registry } from '../../../src/index.js'
import { blobTypes, readBlobs, webTypes } from '../../../src/types/index.js'
import { suite } from './checks.js'
import { dom } from './dom.js'

const types = registry(...webTypes, ...blobTypes)

const test = suite('ready-made types')

const rows: readonly [name: string, make: () => object, look: (value: never) => unknown][] = [
  ['URL', () => new URL('https://example.org/ä?b#c'), (url: URL) => url.href],
  ['URLSearchParams', () => new URLSearchParams('a=1&a=2'), (params: URLSearchParams) => [...params]],
  ['Headers', () => new Headers({ 'X-Band': 'out' }), (headers: Headers) => [...headers]],
  [
    'ImageData',
    () => {
      const image = new dom.ImageData(3, 2)
      image.data.set([1, 2, 3, 4])
      return image
    },
    (image: InstanceType<typeof dom.ImageData> & { colorSpace: string }) => [
      image.width,
      image.height,
      image.colorSpace,
      [...image.data],
    ],
  ],
  [
    'DOMException',
    () => new DOMException('gone', 'AbortError'),
    (error: DOMException) => [error.name, error.code, error.message, error.stack],
  ],
  ['Blob', () => new Blob(['a'], { type: 'a/b' }), async (blob: Blob) => [blob.type, await blob.text()]],
  [
    'File',
    () => new File(['a'], 'ä.txt', { lastModified: 5 }),
    async (file: File) => [file.name, file.lastModified, await file.text()],
  ],
]
for (const [name, make, look] of rows) {
  test(name, async () => {
    const value = make()
    const arrived = decode<object>(encode(await readBlobs(value), { types }), { types })
    assert.is(Object.getPrototypeOf(arrived), Object.getPrototypeOf(value))
    assert.equal(await look(arrived as never), await look(value as never))
  })
}
