/** Objects of the platform, anywhere in a value. */
import * as assert from 'uvu/assert'
import { isOutbandError } from '../../../src/index.js'
import { difference } from '../../same.js'
import { needMovableStreams, skip } from './checks.js'
import { type AnyPort, dom, type Picture } from './dom.js'
import { CANNOT_MOVE, type Check, type Line } from './line.js'
import { heard, type Transport } from './links.js'
import { made } from './rows.js'

const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1)

interface Host {
  readonly name: string
  readonly make: () => unknown
  /** Only moves: not through a BroadcastChannel. */
  readonly moves?: boolean
  readonly check: (arrived: never) => unknown
}

const hosts: readonly Host[] = [
  {
    name: 'Blob',
    make: () => new Blob(['out of ', 'band'], { type: 'text/x-band' }),
    check: async (blob: Blob) => {
      assert.is(await blob.text(), 'out of band')
      assert.is(blob.type, 'text/x-band')
    },
  },
  {
    name: 'ImageData',
    make: () => {
      const image = new dom.ImageData(3, 2)
      image.data.set([1, 2, 3, 4])
      return image
    },
    check: (image: Picture & { data: Uint8ClampedArray }) => {
      assert.is(image.width * image.height, 6)
      assert.equal([...image.data.subarray(0, 5)], [1, 2, 3, 4, 0])
    },
  },
  {
    name: 'ImageBitmap',
    moves: true,
    make: () => {
      const canvas = new dom.OffscreenCanvas(4, 3)
      canvas.getContext('2d')
      return canvas.transferToImageBitmap()
    },
    check: (bitmap: Picture) => assert.equal([bitmap.width, bitmap.height], [4, 3]),
  },
  {
    name: 'OffscreenCanvas',
    moves: true,
    make: () => new dom.OffscreenCanvas(5, 6),
    check: (canvas: Picture) => assert.equal([canvas.width, canvas.height], [5, 6]),
  },
  {
    name: 'DOMRect',
    make: () => new dom.DOMRect(1, 2, 3, 4),
    check: (rect: Picture) => assert.equal([rect.width, rect.height], [3, 4]),
  },
  {
    name: 'CryptoKey',
    make: () => crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt']),
    check: async (key: never) => assert.is((await crypto.subtle.exportKey('raw', key)).byteLength, 16),
  },
]

/** Declares the checks of one transport. */
export function declareHosts(
  { isBroadcast, isNear }: Transport,
  check: Check,
  line: () => Promise<Line>,
): void {
  for (const { name, make, moves = false, check: expect } of hosts) {
    check(`a ${name} deep in the value arrives`, async () => {
      if (moves && isBroadcast) skip(CANNOT_MOVE)
      if (moves && !isNear && /Firefox/.test(dom.navigator.userAgent))
        skip('Firefox moves no pictures to another process')
      const { ask } = await line()
      const host = await made(make)
      const value = { list: [new Map<string, unknown>([['host', host]]), new Set([Float32Array.of(1)])] }
      // A bitmap is cloned where it is not moved.
      const echo = (await ask('echo', value)) as typeof value
      const arrived = echo.list[0] as Map<string, unknown>
      assert.is(tagOf(arrived.get('host')), name)
      await expect(arrived.get('host') as never)
      assert.is(difference(new Set([Float32Array.of(1)]), echo.list[1]), undefined)
    })
  }

  check('an exception of a class that the platform does not clone arrives as an error', async () => {
    const Refused = Reflect.get(globalThis, 'GPUPipelineError') as
      | (new (
          message: string,
          options: { reason: string },
        ) => Error)
      | undefined
    if (Refused === undefined) skip('no class of exceptions here is known to be refused')
    const { ask } = await line()
    const { error } = (await ask('echo', { error: new Refused('no pipeline', { reason: 'internal' }) })) as {
      error: Error
    }
    assert.equal([error instanceof Error, error.message], [true, 'no pipeline'])
  })

  check('a MessagePort deep in the value is a port over there', async () => {
    const { ask, wrapped } = await line()
    const { port1, port2 } = new MessageChannel()
    const value = { ask: 'use-port', value: new Map([['ports', [port2]]]) } as const
    if (isBroadcast) {
      try {
        wrapped.postMessage(value)
        assert.unreachable('nothing was thrown')
      } catch (error) {
        assert.ok(isOutbandError(error, 'UNSUPPORTED'), String(error))
      }
      return
    }
    const said = heard(port1 as unknown as AnyPort)
    assert.is(await ask(value.ask, value.value), 'used')
    assert.is((await said).data, 'through the port')
  })

  check('a ReadableStream in the value is read over there', async () => {
    if (isBroadcast) skip(CANNOT_MOVE)
    needMovableStreams()
    const { ask } = await line()
    const stream = new ReadableStream<string>({
      start(controller) {
        controller.enqueue('one ')
        controller.enqueue('two')
        controller.close()
      },
    })
    assert.is(await ask('read-stream', { stream }), 'one two')
  })

  check('a module of WebAssembly is compiled once', async () => {
    if (!isNear || isBroadcast) skip('modules stay within a process')
    const { ask } = await line()
    const module = new dom.WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))
    assert.is(tagOf(((await ask('echo', [module])) as unknown[])[0]), 'WebAssembly.Module')
  })
}
