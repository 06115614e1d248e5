/** What the doors make of arguments that are none: they say so, in words that name the mistake. */
import { existsSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { birpcPort } from '../src/adapters/birpc.js'
import { install } from '../src/adapters/comlink.js'
import * as piscina from '../src/adapters/piscina.js'
import * as workerpool from '../src/adapters/workerpool.js'
import { loopback } from '../src/carriers/loopback.js'
import { Channel } from '../src/channel.js'
import { dump, load, openFile, openLog } from '../src/file/index.js'
import { tableType } from '../src/formats/flatbuffers.js'
import { flexbuffers, open } from '../src/formats/flexbuffers.js'
import { NDArray, packFrames, pickleFormat, unpackFrames } from '../src/formats/pickle/index.js'
import { Deframer, pack, packBytes, unpack } from '../src/frame/index.js'
import { Codec, decode, defineType, encode, outOfBand, registry } from '../src/index.js'
import { connectPort, PortCarrier, wrapPort } from '../src/port/index.js'
import { connectParent, forkChannel, spawnChannel } from '../src/process/index.js'
import { connectRing, createRing, RingCarrier, RingChannel } from '../src/ring/index.js'
import {
  ArenaReader,
  connectShared,
  leaseOf,
  release,
  SharedMemory,
  SharedMemoryManager,
  serveShared,
} from '../src/shm/index.js'
import { connect, SocketCarrier, serve } from '../src/socket/index.js'
import { PacketDecoderStream, PacketEncoderStream } from '../src/streams/index.js'
import { connectWebSocket, serveWebSocket, WebSocketCarrier } from '../src/websocket/index.js'
import { refused, thrown } from './thrown.js'

const packet = encode(1)
const frame = packBytes(packet)
const nowhere = new URL('nothing-there', import.meta.url)
const { port1, port2 } = new MessageChannel()
const socket = {
  binaryType: '',
  readyState: 1,
  send() {},
  close() {},
  addEventListener() {},
  removeEventListener() {},
}
const server = { options: {}, on() {}, close() {}, once() {}, off() {}, address: () => null }
const pool = { run: () => Promise.resolve(), exec: () => undefined, stats: () => ({ pendingTasks: 0 }) }
const comlink = { transferHandlers: new Map([['throw', {}]]) }
const Pool = { move: () => undefined }

type Door = (options: never) => unknown
const doors: Record<string, Door> = {
  encode: o => encode(1, o),
  decode: o => decode(packet, o),
  Codec: o => new Codec(o),
  'Codec.encode': o => new Codec({ threshold: 0 }).encode(1, o),
  'Codec.decode': o => new Codec({ threshold: 0 }).decode(packet, o),
  outOfBand: o => outOfBand(new Uint8Array(1), o),
  pack: o => pack(packet, o),
  packBytes: o => packBytes(packet, o),
  unpack: o => unpack(frame, o),
  Deframer: o => new Deframer(o),
  loopback: o => loopback(o),
  Channel: o => new Channel(loopback()[0], o),
  'Channel.send': o => new Channel(loopback()[0]).send(1, o),
  connectPort: o => connectPort(port1, o),
  PortCarrier: o => new PortCarrier(port1, o),
  wrapPort: o => wrapPort(port1, o),
  connectParent: o => connectParent(o),
  forkChannel: o => forkChannel(nowhere, [], o),
  spawnChannel: o => spawnChannel('nothing-there', [], o),
  createRing: o => createRing(o),
  RingCarrier: o => new RingCarrier(createRing()[0], o),
  RingChannel: o => new RingChannel(new RingCarrier(createRing()[0]), o),
  connectRing: o => connectRing(createRing()[0], o),
  sendSync: o => connectRing(createRing()[0]).unref().sendSync(1, o),
  receiveSync: o => connectRing(createRing()[0]).unref().receiveSync(o),
  'SharedMemory.create': o => SharedMemory.create(o),
  'SharedMemory.attach': o => SharedMemory.attach('nothing-there', o),
  'SharedMemoryManager.create': o => new SharedMemoryManager().create(o),
  'ArenaReader.attach': o => ArenaReader.attach({} as never, o),
  connectShared: o => connectShared('nothing-there', o),
  serveShared: o => serveShared('nothing-there', () => {}, o),
  release: o => release(1, o),
  leaseOf: o => leaseOf(new Uint8Array(1), o),
  connect: o => connect('nothing-there', o),
  serve: o => serve(0, () => {}, o),
  SocketCarrier: o => new SocketCarrier(new PassThrough(), o),
  connectWebSocket: o => connectWebSocket(socket as never, o),
  serveWebSocket: o => serveWebSocket(server as never, () => {}, o),
  WebSocketCarrier: o => new WebSocketCarrier(socket as never, o),
  PacketEncoderStream: o => new PacketEncoderStream(o),
  PacketDecoderStream: o => new PacketDecoderStream(o),
  dump: o => dump(nowhere, 1, o),
  load: o => load(nowhere, o),
  openFile: o => openFile(nowhere, o),
  openLog: o => openLog(nowhere, o),
  'flexbuffers open': o => open(encode(1, { format: flexbuffers }), o),
  pickleFormat: o => pickleFormat(o),
  unpackFrames: o => unpackFrames([packet.meta], o),
  NDArray: o => new NDArray(new Uint8Array(1), [1], o),
  birpcPort: o => birpcPort(port1, o),
  install: o => install(comlink as never, o),
  'piscina wrapPool': o => piscina.wrapPool(pool as never, o),
  wrapTask: o => piscina.wrapTask(Pool as never, () => {}, o),
  'workerpool wrapPool': o => workerpool.wrapPool(pool as never, o),
  wrapMethods: o => workerpool.wrapMethods({ Transfer: class {} } as never, {}, o),
}

/** What a door throws, or rejects with. */
async function failureOf(run: () => unknown): Promise<Error> {
  let value: unknown
  try {
    value = await run()
  } catch (error) {
    return error as Error
  }
  throw new assert.Assertion({
    message: 'nothing was thrown',
    operator: 'throws',
    actual: value,
    expects: 'an error',
  })
}

const options = suite('arguments: options')

for (const [name, door] of Object.entries(doors)) {
  options(`${name} refuses what holds no options, a profile's name say`, async () => {
    for (const none of ['untrusted', '', null, 5, true, () => {}, []]) {
      // What is made of a size takes one for options, and misses it in a list.
      if (name.endsWith('.create') && (none === 5 || Array.isArray(none))) continue
      const error = await failureOf(() => door(none as never))
      assert.instance(error, TypeError, `${String(none)}: ${error}`)
      assert.match(error.message, /^options: wanted /, String(none))
    }
  })
}

options('nothing was made before the options were looked at', () => {
  assert.not.ok(existsSync(nowhere))
})

options.run()

const types = suite('arguments: types')

class Point {}
const point = defineType({ class: Point, tag: 'p', reduce: () => 0, rebuild: () => new Point() })

for (const none of [[point], {}, 'a', undefined, null, Point, registry(point), [[point]], { tag: 'p' }]) {
  types(`registry refuses ${JSON.stringify(none) ?? String(none)}`, () => {
    const error = thrown(() => registry(none as never)) as Error
    assert.instance(error, TypeError)
    assert.match(error.message, /^registry: wanted types/)
  })
}

types('defineType refuses what is no definition', () => {
  for (const none of [undefined, null, 'p']) {
    assert.match((thrown(() => defineType(none as never)) as Error).message, /^defineType: wanted an object/)
  }
})

types.run()

const sending = suite('arguments: transfer')

const wrong: [name: string, options: unknown, message: RegExp][] = [
  ["transfer: 'all'", { transfer: 'all' }, /^transfer: wanted a boolean or a list of objects/],
  ['transfer: 1', { transfer: 1 }, /^transfer: wanted a boolean or a list of objects/],
  ['transfer: {}', { transfer: {} }, /^transfer: wanted a boolean or a list of objects/],
  ['transfer: null', { transfer: null }, /^transfer: wanted a boolean or a list of objects/],
  ['transfer: [null]', { transfer: [null] }, /^transfer: wanted a boolean or a list of objects/],
  ['a list in place of options', [new ArrayBuffer(8)], /^options: wanted an object/],
  ['true in place of options', true, /^options: wanted an object/],
  ['null', null, /^options: wanted an object/],
]
for (const [name, options, message] of wrong) {
  sending(`send rejects with a TypeError, and sends nothing: ${name}`, async () => {
    const [left, right] = loopback()
    const channel = new Channel(left)
    const peer = new Channel(right)
    const bytes = new Uint8Array(8192)
    // Called apart: it must not throw.
    const sent = channel.send(bytes, options as never)
    const error = await failureOf(() => sent)
    assert.instance(error, TypeError)
    assert.match(error.message, message)
    assert.is(bytes.length, 8192)
    await channel.send('next')
    assert.is((await peer[Symbol.asyncIterator]().next()).value, 'next')
  })
  sending(`sendSync throws it: ${name}`, () => {
    const channel = connectRing(createRing()[0]).unref()
    const error = thrown(() => channel.sendSync(1, options as never)) as Error
    assert.instance(error, TypeError)
    assert.match(error.message, message)
    channel.abort()
  })
}

sending.run()

const others = suite('arguments: what is named')

const rows: [name: string, run: () => unknown, message: RegExp][] = [
  ['a port is no carrier', () => new Channel(port1 as never), /^carrier: wanted a carrier.*connectPort/],
  ['no carrier', () => new Channel(undefined as never), /^carrier: wanted a carrier/],
  [
    'an event that there is not',
    () => new Channel(loopback()[0]).on('mesage' as never, () => {}),
    /^name: wanted one of message, /,
  ],
  ['the same, once', () => new Channel(loopback()[0]).once('toString' as never, () => {}), /^name: wanted/],
  ['the same, off', () => new Channel(loopback()[0]).off('mesage' as never, () => {}), /^name: wanted/],
  [
    'no listener',
    () => new Channel(loopback()[0]).on('message', undefined as never),
    /^listener: wanted a function/,
  ],
  ['pack of null', () => pack(null as never), /^packet: wanted an object/],
  [
    'pack without buffers',
    () => pack({ meta: packet.meta } as never),
    /^packet\.buffers: wanted an iterable/,
  ],
  ['packFrames of text', () => packFrames('x' as never), /^packet: wanted an object/],
  [
    'packFrames without buffers',
    () => packFrames({ meta: packet.meta } as never),
    /^packet\.buffers: wanted/,
  ],
  ['open of nothing', () => open(undefined as never), /^packet: wanted an object/],
  ['open of no metadata', () => open({ buffers: [] } as never), /^packet\.meta: wanted a Uint8Array/],
  ['tableType of nothing', () => tableType(undefined as never), /^tableType: wanted an object/],
  ['install of nothing', () => install(undefined as never), /^Comlink: wanted /],
  ['wrapMethods of nothing', () => workerpool.wrapMethods(undefined as never, {}), /^workerpool: wanted /],
]
for (const [name, run, message] of rows) {
  others(name, () => {
    const error = thrown(run) as Error
    assert.instance(error, TypeError)
    assert.match(error.message, message)
  })
}

others('what cannot travel is called by the nearest class that has a name', () => {
  const broadcast = new BroadcastChannel('outband arguments')
  const nameless = new (class extends EventTarget {})()
  for (const [value, name] of [
    [port2, 'a MessagePort'],
    [broadcast, 'a BroadcastChannel'],
    [nameless, 'an EventTarget'],
    [new (class Waiting extends Promise<void> {})(() => {}), 'a Waiting'],
    [new Proxy(new Map(), {}), 'a would-be Map'],
    [Object.create({}, { [Symbol.toStringTag]: { value: 'Tagged' } }), 'a Tagged'],
  ] as const) {
    const { message } = refused(() => encode({ p: value }), 'UNSUPPORTED', { path: 'value.p' })
    assert.match(message, `encode: ${name} cannot travel`)
  }
  broadcast.close()
  port1.close()
})

others.run()
