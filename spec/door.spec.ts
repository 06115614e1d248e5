import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type {
  CodecOptions,
  CustomType,
  DecodeOptions,
  EncodeOptions,
  Limits,
  OutOfBand,
  Packet,
  Registry,
} from 'outband'
import * as outband from 'outband'
import type { Channel as OfPort } from 'outband/port'
import type { Channel as OfProcess } from 'outband/process'
import type { Channel as OfMemory } from 'outband/shm'
import type { Channel as OfSocket } from 'outband/socket'
import type { Channel as OfWebSocket } from 'outband/websocket'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { importsOf, packageOf } from './imports.js'

/** Public types leave no trace at run time: a name that goes missing does not compile. */
export type PublicTypes = [
  CodecOptions,
  CustomType,
  DecodeOptions,
  EncodeOptions,
  Limits,
  OutOfBand,
  Packet,
  Registry,
]

/** What a function of a door returns can be named by that door. */
export type Channels = [OfPort, OfProcess, OfMemory, OfSocket, OfWebSocket]

const root = new URL('../../', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))

const test = suite('door: names and files')

test("the public names of 'outband'", () => {
  assert.equal(Object.keys(outband), [
    'Codec',
    'LIMITS',
    'OutbandError',
    'decode',
    'defineType',
    'encode',
    'inspect',
    'isOutbandError',
    'isReadonly',
    'outOfBand',
    'registry',
  ])
})

const doors: readonly [subpath: string, names: readonly string[]][] = [
  ['channel', ['Channel']],
  ['file', ['dump', 'load', 'openFile', 'openLog']],
  ['frame', ['Deframer', 'pack', 'packBytes', 'unpack']],
  ['loopback', ['loopback']],
  ['port', ['PortCarrier', 'connectPort', 'wrapPort']],
  ['process', ['ChildChannel', 'connectParent', 'forkChannel', 'spawnChannel']],
  ['ring', ['RingCarrier', 'RingChannel', 'connectRing', 'createRing']],
  ['cbor', ['cbor']],
  ['flatbuffers', ['tableType']],
  ['flexbuffers', ['FlexReader', 'flexbuffers', 'open']],
  ['msgpack', ['msgpack']],
  [
    'shm',
    [
      'ArenaReader',
      'SharedArena',
      'SharedMemory',
      'SharedMemoryManager',
      'connectShared',
      'leaseOf',
      'memoryOf',
      'release',
      'serveShared',
    ],
  ],
  ['socket', ['ChannelServer', 'SocketCarrier', 'connect', 'serve']],
  [
    'pickle',
    [
      'NDArray',
      'PythonName',
      'PythonObject',
      'ndarrayType',
      'packFrames',
      'pickle',
      'pickleFormat',
      'unpackFrames',
    ],
  ],
  ['streams', ['PacketDecoderStream', 'PacketEncoderStream']],
  [
    'types',
    [
      'arrowTypes',
      'blobType',
      'blobTypes',
      'domExceptionType',
      'fileType',
      'headersType',
      'imageDataType',
      'readBlobs',
      'urlSearchParamsType',
      'urlType',
      'webTypes',
    ],
  ],
  ['websocket', ['WebSocketCarrier', 'WebSocketChannelServer', 'connectWebSocket', 'serveWebSocket']],
  ['birpc', ['birpcPort', 'transfer']],
  ['comlink', ['install']],
  ['piscina', ['transfer', 'wrapPool', 'wrapTask']],
  ['workerpool', ['transfer', 'wrapMethods', 'wrapPool']],
]
for (const [subpath, names] of doors) {
  test(`the public names of 'outband/${subpath}'`, async () => {
    assert.equal(Object.keys(await import(`outband/${subpath}`)), names)
  })
}

test('exports name a path each, types first, without wildcards', () => {
  for (const [subpath, target] of Object.entries<string | Record<string, string>>(manifest.exports)) {
    assert.not.match(subpath, /\*/)
    if (typeof target === 'object') assert.is(Object.keys(target)[0], 'types', subpath)
  }
})

const paths = [
  ...Object.values<string | Record<string, string>>(manifest.exports).flatMap(target =>
    typeof target === 'string' ? [target] : Object.values(target),
  ),
  ...Object.values<string>(manifest.bin),
]
for (const path of paths) {
  test(`${path} exists`, () => assert.ok(existsSync(new URL(path, root))))
}

test('each command starts with #!/usr/bin/env node', () => {
  for (const path of Object.values<string>(manifest.bin)) {
    assert.match(readFileSync(new URL(path, root), 'utf8'), /^#!\/usr\/bin\/env node\n/)
  }
})

test('who knows no exports, as Parcel by default, finds the door by main', () => {
  assert.is(manifest.main, manifest.exports['.'].default)
})

test('there are no runtime dependencies', () => {
  assert.is(manifest.dependencies, undefined)
})

/** What runs in Node alone may also import what Node has. */
const nodeOnly = new Set(['./file', './process', './shm', './socket'])
/** Packages that a subpath is about: peers that its user installs. */
const peers: Readonly<Record<string, string>> = {
  './cbor': 'cbor-x',
  './file': 'koffi',
  './flatbuffers': 'flatbuffers',
  './flexbuffers': 'flatbuffers',
  './msgpack': 'msgpackr',
  // Asked for when memory is to be shared, and not before.
  './process': 'koffi',
  './shm': 'koffi',
}

/** What an import stands for: one that begins with # goes by our package.json. */
const targetsOf = (specifier: string): string[] =>
  specifier.startsWith('#') ? Object.values<string>(manifest.imports[specifier]) : [specifier]

test('the programs in Python that the documents name are in the package, and what they import', () => {
  const documents = ['README.md', ...manifest.files].filter(name => name.endsWith('.md'))
  const named = documents.flatMap(name => [
    ...readFileSync(new URL(name, root), 'utf8').matchAll(/fixtures\/python\/\w+\.py/g),
  ])
  const pending = named.map(([name]) => name)
  for (const name of pending) {
    assert.ok(manifest.files.includes(name), name)
    for (const [, module] of readFileSync(new URL(name, root), 'utf8').matchAll(/^from (\w+) import/gm)) {
      const other = `fixtures/python/${module}.py`
      if (existsSync(new URL(other, root)) && !pending.includes(other)) pending.push(other)
    }
  }
})

test('what goes by `imports` is a script for Node and a module for all others, of the same package', () => {
  const { resolve } = createRequire(import.meta.url)
  for (const targets of Object.values<Record<string, string>>(manifest.imports)) {
    assert.equal(Object.keys(targets), ['node', 'default'])
    const [script, module] = Object.values(targets).map(target => readFileSync(resolve(target), 'utf8'))
    assert.equal(
      [script, module].map(code => /^export /m.test(code!)),
      [false, true],
    )
  }
})

for (const subpath of ['.', ...doors.map(([subpath]) => `./${subpath}`)]) {
  test(`only our own modules${peers[subpath] ? ` and ${peers[subpath]}` : ''} are reachable from 'outband${subpath.slice(1)}'`, () => {
    const reached = new Set([new URL(manifest.exports[subpath].default, root).href])
    for (const module of reached) {
      for (const { specifier } of importsOf(readFileSync(new URL(module), 'utf8'))) {
        if (specifier.startsWith('node:') && nodeOnly.has(subpath)) continue
        const packages = targetsOf(specifier).map(packageOf)
        if (packages.every(name => name === (peers[subpath] ?? ''))) continue
        assert.match(specifier, /^\.\.?\//, `${module} imports ${specifier}`)
        reached.add(new URL(specifier, module).href)
      }
    }
    assert.ok(reached.size > 1)
  })
}

test.run()

const elsewhere = suite('door: other places')

elsewhere("the core works where Node's globals are gone", () => {
  const { meta } = outband.encode(Buffer.from('hi'), { threshold: Number.POSITIVE_INFINITY })
  const script = fileURLToPath(new URL('bare.js', import.meta.url))
  const child = spawnSync(process.execPath, [script, Buffer.from(meta).toString('hex')], { encoding: 'utf8' })
  assert.is(child.stderr, '')
  assert.is(child.status, 0)
})

elsewhere.run()
