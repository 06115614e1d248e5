/** Frames from a stream: the same packets whatever its chunks, in memory of their own, and nothing kept of a bad one. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { join } from '../fixtures/assemble.js'
import { goldenFrames } from '../fixtures/golden.js'
import { framedPacket } from '../fixtures/make.js'
import { values } from '../fixtures/values.js'
import { HEADER_BYTES } from '../src/frame/header.js'
import { Deframer, type DeframerOptions, pack, packBytes, unpack } from '../src/frame/index.js'
import { decode, encode, type Packet } from '../src/index.js'
import { everyByte, packetOf, pushed, read, type Sizes, shown, whole } from './frames.js'
import { difference } from './same.js'
import { refused, thrown } from './thrown.js'

const KiB = 1024
const MiB = KiB * KiB

/** Small ones, large ones and many, with checksums and without. */
const packets: readonly Packet[] = [
  ...goldenFrames.map(framedPacket),
  packetOf(40, 4095, 4096, 5, 100_000, 1),
  packetOf(1, ...new Array(600).fill(64)),
  packetOf(70_000, 3, 0, 0, 20_000, 0),
  packetOf(2, 300_000, 0, 65_537),
]
const stream = join(...packets.map((packet, i) => packBytes(packet, { checksum: i % 2 === 0 })))
const wanted = shown(packets)

const chunking = suite('frame stream: chunking')

const ways: [name: string, sizes: Sizes][] = [
  ['in one piece', whole],
  ['byte by byte', everyByte],
  ['in pieces of 24 bytes', () => 24],
  ['in pieces of 4 KiB', () => 4096],
  ['in pieces of 64 KiB', () => 64 * KiB],
]
for (const [name, sizes] of ways) {
  chunking(`pushed ${name}`, () => {
    const { packets: found, code } = pushed(stream, sizes)
    assert.is(code, undefined)
    assert.equal(shown(found), wanted)
  })

  for (const atLeast of [1, undefined, 200_000]) {
    chunking(`read ${name}, ${atLeast ?? 'or as is best'} at least`, () => {
      const { packets: found, code } = read(stream, sizes, atLeast)
      assert.is(code, undefined)
      assert.equal(shown(found), wanted)
    })
  }
}

chunking('any pieces, pushed and read in turn', () => {
  const piece = fc.record({
    size: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 100_000 })),
    atLeast: fc.option(fc.integer({ min: 1, max: 100_000 })),
  })
  const property = fc.property(fc.array(piece, { minLength: 1, maxLength: 40 }), pieces => {
    const deframer = new Deframer()
    const found: Packet[] = []
    for (let pos = 0, i = 0; pos < stream.length; i++) {
      const { size, atLeast } = pieces[i % pieces.length]!
      const bytes = stream.subarray(pos, pos + size)
      const target = atLeast === null ? undefined : deframer.target(atLeast)
      if (atLeast !== null) assert.ok(target!.length >= atLeast)
      const taken = Math.min(bytes.length, target?.length ?? size)
      target?.set(bytes.subarray(0, taken))
      found.push(...(target ? deframer.filled(taken) : deframer.push(bytes)))
      pos += taken
    }
    deframer.end()
    return shown(found).every((text, i) => text === wanted[i]) && found.length === wanted.length
  })
  fc.assert(property, { seed: 574, numRuns: 40 })
})

chunking('values, through a stream, with every kind of view', () => {
  const rows = values.filter(({ isShared }) => !isShared)
  const sent = rows.map(({ make }) => make())
  const frames = sent.map(value => packBytes(encode(value, { threshold: 0 })))
  const { packets: found } = pushed(join(...frames), () => 1000)
  assert.is(found.length, rows.length)
  for (const [i, { name, arrives }] of rows.entries()) {
    const differs = difference(arrives?.(sent[i] as never) ?? sent[i], decode(found[i]!))
    assert.is(differs, undefined, `${name}: ${differs}`)
  }
})

chunking('who reads exactly what is wanted reads once for each part', () => {
  const deframer = new Deframer()
  const frame = packBytes(packetOf(10, 5000, 1, 2, 3, 6000), { checksum: true })
  const reads: number[] = []
  for (let pos = 0; pos < frame.length; ) {
    const { wanted } = deframer
    reads.push(wanted)
    const found = [...deframer.push(frame.subarray(pos, pos + wanted))]
    pos += wanted
    assert.is(found.length, pos === frame.length ? 1 : 0)
  }
  // Padding comes with the part behind it.
  assert.is(reads.length, 6)
  assert.equal(reads.slice(0, 3), [24, 5 * 8 + 6 * 4, 10])
  assert.is(deframer.wanted, 24)
})

chunking.run()

const memory = suite('frame stream: memory')

const received = (frame: Uint8Array, options?: DeframerOptions): Packet =>
  pushed(frame, () => 1000, options).packets[0]!

memory('metadata and every buffer from 4096 bytes on own an ArrayBuffer of their length', () => {
  const lengths = [4096, 100_000, 5, 1_000_000]
  const { meta, buffers } = received(packBytes(packetOf(5000, ...lengths)))
  assert.is(meta.buffer.byteLength, 5000)
  for (const [i, buffer] of buffers.entries()) {
    assert.is(buffer.length, lengths[i])
    if (buffer.length >= 4096) assert.is(buffer.buffer.byteLength, buffer.length)
  }
  assert.is(new Set([meta, ...buffers].map(part => part.buffer)).size, 5)
})

memory('small ones share at most 16 KiB, and never with a large one', () => {
  const lengths = Array.from({ length: 3000 }, (_, i) => (i % 500 === 499 ? 5000 : (i * 37) % 300))
  const { buffers } = received(packBytes(packetOf(8, ...lengths)))
  const blocks = new Set(buffers.map(buffer => buffer.buffer))
  assert.ok(blocks.size < 60, `${blocks.size} allocations`)
  for (const buffer of buffers) {
    if (buffer.length >= 4096) assert.is(buffer.buffer.byteLength, buffer.length)
    else assert.ok(buffer.buffer.byteLength <= 16 * KiB)
    assert.is(buffer.byteOffset % 8, 0)
  }
})

memory('typed arrays lie on what arrived: decode copies none', () => {
  const sent = [
    new Float64Array(4000).fill(0.5),
    new Int16Array(3),
    new Float64Array(2),
    new BigInt64Array(300),
  ]
  const packet = received(packBytes(encode(sent, { threshold: 0 })))
  const value = decode<Float64Array[]>(packet)
  assert.is(difference(sent, value), undefined)
  assert.equal(
    value.map(({ buffer }) => buffer),
    packet.buffers.map(({ buffer }) => buffer),
  )
})

memory('the packets of one chunk share nothing, with it or with each other', () => {
  const frame = packBytes(packetOf(10, 20, 0, 30))
  const chunk = join(frame, frame)
  const [first, second] = [...new Deframer().push(chunk)] as [Packet, Packet]
  const owners = [first, second].map(
    ({ meta, buffers }) => new Set([meta, ...buffers].map(part => part.buffer)),
  )
  assert.ok(!owners.some(owner => owner.has(chunk.buffer)))
  assert.ok([...owners[0]!].every(buffer => !owners[1]!.has(buffer)))
})

memory('empty parts may be given away like any other', () => {
  for (let round = 0; round < 3; round++) {
    const { meta, buffers } = received(packBytes(packetOf(0, 0, 0)))
    assert.equal(
      [meta, ...buffers].map(part => part.length),
      [0, 0, 0],
    )
    structuredClone(0, { transfer: [...new Set([meta, ...buffers].map(part => part.buffer as ArrayBuffer))] })
  }
})

memory('a long part is read to where it stays', () => {
  const frame = packBytes(packetOf(8, 3 * MiB))
  const deframer = new Deframer()
  const targets: Uint8Array[] = []
  let packet: Packet | undefined
  for (let pos = 0; pos < frame.length; ) {
    const target = deframer.target()
    targets.push(target)
    const bytes = frame.subarray(pos, pos + Math.min(target.length, 500_000))
    target.set(bytes)
    pos += bytes.length
    for (const found of deframer.filled(bytes.length)) packet = found
  }
  const [buffer] = packet!.buffers
  const direct = targets.filter(target => target.buffer === buffer!.buffer)
  assert.ok(
    direct.length >= 6 && targets.length - direct.length <= 3,
    `${direct.length} of ${targets.length}`,
  )
})

memory('of a long part no more than 64 KiB or 64 times what came is held', () => {
  const announced = 2 ** 31
  const frame = packBytes(packetOf(8, 0))
  new DataView(frame.buffer).setUint32(24, announced, true)
  const deframer = new Deframer()
  assert.equal([...deframer.push(frame)], [])
  assert.equal(deframer.progress!.total! > announced, true)
  // The announcement alone, with its padding, which is read elsewhere.
  const padding = deframer.wanted - announced
  void deframer.push(new Uint8Array(padding))
  const held = (): number => deframer.target(1).buffer.byteLength
  const chunk = new Uint8Array(10_000)
  for (let sent = 0; sent < 2 ** 20; sent += chunk.length) {
    assert.ok(held() <= Math.max(64 * KiB, 64 * (sent + 1)), `${held()} bytes after ${sent}`)
    assert.equal([...deframer.push(chunk)], [])
  }
})

memory('its user says where a large buffer goes', () => {
  const places: Uint8Array[] = []
  const asked: [number, number][] = []
  const frame = packBytes(packetOf(8, 5000, 100, 300_000, 4095, 4096), { checksum: true })
  const destination = (byteLength: number, buffer: number): Uint8Array => {
    asked.push([byteLength, buffer])
    places.push(new Uint8Array(new SharedArrayBuffer(byteLength + 64), 64))
    return places.at(-1)!
  }
  const options = { destination }
  for (const arrive of [() => pushed(frame, () => 777, options), () => read(frame, whole, 1, options)]) {
    const { packets: found } = arrive()
    assert.equal(shown(found), shown([unpack(frame)]))
    const large = found[0]!.buffers.filter(({ length }) => length >= 4096)
    assert.ok(large.every((buffer, i) => buffer === places[i]))
    places.length = 0
  }
  assert.equal(asked.slice(0, 3), [
    [5000, 0],
    [300_000, 2],
    [4096, 4],
  ])
})

memory(
  'a function takes a large buffer piece by piece, pushed or read, and the packet has an empty one',
  () => {
    const packet = packetOf(8, 100, 300_000, 5)
    const frame = packBytes(packet, { checksum: true })
    const [first, , last] = packet.buffers as [Uint8Array, Uint8Array, Uint8Array]
    for (const arrive of [
      pushed,
      (...[bytes, sizes, options]: Parameters<typeof pushed>) => read(bytes, sizes, 1, options),
    ]) {
      const pieces: Uint8Array[] = []
      const { packets: found } = arrive(frame, () => 50_000, {
        destination: () => bytes => void pieces.push(bytes.slice()),
      })
      assert.equal(shown(found), shown([{ meta: packet.meta, buffers: [first, new Uint8Array(0), last] }]))
      assert.is(Buffer.compare(join(...pieces), packet.buffers[1]!), 0)
    }
  },
)

memory('memory that does not fit is a TypeError, and what the function throws passes through', () => {
  const frame = packBytes(packetOf(8, 5000))
  const mistake = thrown(() => new Deframer({ destination: () => new Uint8Array(4999) }).push(frame))
  assert.instance(mistake, TypeError)
  const own = new Error('full')
  const deframer = new Deframer({
    destination: () => () => {
      throw own
    },
  })
  assert.is(
    thrown(() => deframer.push(frame)),
    own,
  )
  assert.is(
    thrown(() => deframer.end()),
    own,
  )
})

memory.run()

const far = suite('frame stream: beyond 4 GiB')

const GiB = 2 ** 30
const large = 5 * GiB
const unlimited = { bufferBytes: Number.POSITIVE_INFINITY, totalBytes: Number.POSITIVE_INFINITY }

/** The frame of a buffer of 5 GiB between two small ones, up to that buffer, and from its end on. */
function halves(): [front: Uint8Array, behind: Uint8Array] {
  const frame = packBytes(packetOf(5, 3, 4096, 7))
  const at = frame.length - 4096 - 8
  const [front, behind] = [frame.slice(0, at), frame.slice(at + 4096)]
  // The length of buffer 1.
  new DataView(front.buffer).setBigUint64(32, BigInt(large), true)
  return [front, behind]
}

far('a buffer of 5 GiB streams by: it is counted, and what follows is found', () => {
  const [front, behind] = halves()
  const piece = new Uint8Array(64 * MiB)
  let streamed = 0
  const sink = (bytes: Uint8Array): void => {
    streamed += bytes.length
  }
  const destination = (byteLength: number) => (byteLength === large ? sink : undefined)
  const deframer = new Deframer({ limits: unlimited, destination })
  assert.equal([...deframer.push(front)], [])
  const total = front.length + large + behind.length
  assert.equal(deframer.progress, { received: front.length, total })
  assert.is(deframer.wanted, large)
  for (let sent = 0; sent < large; sent += piece.length) assert.equal([...deframer.push(piece)], [])
  assert.is(streamed, large)
  assert.equal(deframer.progress, { received: front.length + large, total })
  const [packet] = [...deframer.push(behind)]
  deframer.end()
  const { meta, buffers } = packetOf(5, 3, 0, 7)
  assert.equal(
    shown([packet!]),
    shown([{ meta, buffers: [buffers[0]!, new Uint8Array(0), packetOf(1, 0, 0, 7).buffers[2]!] }]),
  )
})

far('more than the engine has in one piece is LIMIT, when it is its turn', () => {
  const [front] = halves()
  new DataView(front.buffer).setBigUint64(32, 2n ** 52n, true)
  const deframer = new Deframer({ limits: unlimited })
  assert.equal([...deframer.push(front)], [])
  refused(() => deframer.target(2 ** 51), 'LIMIT', { limit: 'bufferBytes', requested: 2 ** 52 })
  assert.is(deframer.wanted, 0)
})

far('lengths past the limits are refused from the head alone', () => {
  const [front] = halves()
  refused(() => unpack(front), 'LIMIT', { limit: 'bufferBytes', requested: large, offset: 32 })
  refused(() => unpack(front, { limits: unlimited }), 'TRUNCATED', { available: front.length })
  refused(() => new Deframer().push(front), 'LIMIT', { limit: 'bufferBytes', requested: large })
})

far('pack counts past 4 GiB: three times the same 2 GiB of memory that nobody touches', () => {
  const sparse = new Uint8Array(2 * GiB)
  const packet = { meta: Uint8Array.of(1), buffers: [sparse, sparse, Uint8Array.of(7), sparse] }
  const chunks = pack(packet)
  assert.is(chunks.filter(chunk => chunk === sparse).length, 3)
  let streamed = 0
  const destination = () => (bytes: Uint8Array) => {
    streamed += bytes.length
  }
  const deframer = new Deframer({ destination })
  const found = chunks.flatMap(chunk => [...deframer.push(chunk)])
  deframer.end()
  assert.is(streamed, 6 * GiB)
  assert.equal([...found[0]!.buffers[2]!], [7])
})

far.run()

const errors = suite('frame stream: errors')

const good = packBytes(packetOf(30, 10, 5000))

for (const [name, sizes] of ways) {
  errors(`packets in front of an error are given, the stream coming ${name}`, () => {
    const bad = good.slice()
    bad[4] = 9
    for (const { packets: found, code } of [
      pushed(join(good, good, bad), sizes),
      read(join(good, good, bad), sizes),
    ]) {
      assert.equal(shown(found), shown([unpack(good), unpack(good)]))
      assert.is(code, 'VERSION')
    }
  })
}

errors('after an error every call throws it again, and nothing is kept', () => {
  const deframer = new Deframer()
  void deframer.push(good.subarray(0, 3000))
  assert.equal(deframer.progress, { received: 3000, total: good.length })
  const rest = join(good.subarray(3000), new TextEncoder().encode('GET /'))
  const error = refused(() => [...deframer.push(rest)], 'MALFORMED')
  for (const call of [
    () => deframer.push(good),
    () => deframer.target(),
    () => deframer.filled(0),
    () => deframer.end(),
  ])
    assert.is(thrown(call), error)
  assert.is(deframer.wanted, 0)
  assert.is(deframer.progress, undefined)
})

errors('a stream of something else is refused at the first byte that tells', () => {
  const deframer = new Deframer()
  void deframer.push(Uint8Array.of(0x4f))
  refused(() => deframer.push(Uint8Array.of(0x42)), 'MALFORMED', { offset: 1 })
})

errors('limits are checked on the head, before anything behind it has come', () => {
  const frame = packBytes(packetOf(100, 5000, 5000))
  const rows = [
    ['metaBytes', 99, 24],
    ['buffers', 1, 24],
    ['bufferBytes', 4999, 40],
    ['totalBytes', 9999, 40],
  ] as const
  for (const [limit, max, headBytes] of rows) {
    const limits = { [limit]: max }
    const deframer = new Deframer({ limits })
    assert.equal([...deframer.push(frame.subarray(0, headBytes - 1))], [])
    refused(() => deframer.push(frame.subarray(headBytes - 1, headBytes)), 'LIMIT', {
      limit,
      max,
      requested: max + 1,
    })
    assert.is(pushed(frame, whole, { limits: { [limit]: max + 1 } }).code, undefined)
  }
})

errors('checksums are demanded, compared or passed over', () => {
  const checked = packBytes(packetOf(30, 10, 5000), { checksum: true })
  checked[checked.length - 100]! ^= 1
  assert.is(pushed(good, whole, { checksum: true }).code, 'CHECKSUM')
  assert.is(pushed(checked, whole).code, 'CHECKSUM')
  assert.is(pushed(checked, whole, { checksum: false }).packets.length, 1)
})

errors('the end inside a frame is TRUNCATED, between two it is the end', () => {
  const deframer = new Deframer()
  void deframer.push(join(good, good.subarray(0, 200)))
  refused(() => deframer.end(), 'TRUNCATED', { available: 200, requested: good.length })
  // What is not there yet says how long the frame is.
  const begun = new Deframer()
  void begun.push(good.subarray(0, 5))
  refused(() => begun.end(), 'TRUNCATED', { available: 5, requested: HEADER_BYTES })
  const ended = new Deframer()
  void ended.push(good)
  ended.end()
  ended.end()
  refused(() => ended.push(good), 'CLOSED')
})

errors("the caller's mistakes are TypeErrors, and harm nothing", () => {
  const deframer = new Deframer()
  const mistakes: (() => unknown)[] = [
    () => new Deframer({ limits: 'none' as never }),
    () => new Deframer({ checksum: 1 as never }),
    () => new Deframer({ destination: {} as never }),
    () => deframer.push('OUTB' as never),
    () => deframer.filled(0),
    () => deframer.target(0),
    () => deframer.target(1.5),
    () => deframer.filled(deframer.target().length + 1),
    () => {
      deframer.target()
      void deframer.push(new Uint8Array(0))
      deframer.filled(1)
    },
  ]
  for (const mistake of mistakes) assert.instance(thrown(mistake), TypeError)
  assert.is([...deframer.push(good)].length, 1)
})

errors('a chunk whose memory is gone is DETACHED: what was in it cannot be passed over', () => {
  const chunk = Uint8Array.from(good)
  structuredClone(chunk.buffer, { transfer: [chunk.buffer] })
  const deframer = new Deframer()
  assert.is([...deframer.push(good)].length, 1)
  refused(() => deframer.push(chunk), 'DETACHED')
  refused(() => deframer.push(good), 'DETACHED')
  assert.is([...new Deframer().push(new Uint8Array(0))].length, 0)
})

errors.run()

const socket = suite('frame stream: sockets')

socket(
  'a socket reads straight into the buffers, and a frame is passed on without being decoded',
  async () => {
    const value = { samples: Float64Array.from({ length: MiB }, (_, i) => i), label: 'eight MiB' }
    const path =
      process.platform === 'win32'
        ? `\\\\.\\pipe\\outband-${process.pid}`
        : joinPath(tmpdir(), `outband-frame-${process.pid}.sock`)
    const server = createServer(peer => {
      // What comes is framed anew and goes back: the echo knows nothing of values.
      const deframer = new Deframer({ limits: 'untrusted' })
      peer.on('data', chunk => {
        for (const packet of deframer.push(chunk)) for (const part of pack(packet)) peer.write(part)
      })
    }).listen(path)
    await once(server, 'listening')
    const deframer = new Deframer({ limits: 'untrusted' })
    let copied = 0
    const arrived = new Promise<Packet>((resolve, reject) => {
      let target: Uint8Array = new Uint8Array(0)
      const client = connect({
        path,
        onread: {
          buffer: () => {
            target = deframer.target()
            return target
          },
          callback: byteLength => {
            if (target.buffer.byteLength === 65_536) copied += byteLength
            for (const packet of deframer.filled(byteLength)) {
              resolve(packet)
              client.destroy()
            }
            return true
          },
        },
      })
      client.on('error', reject)
      for (const part of pack(encode(value))) client.write(part)
    })
    const packet = await arrived
    server.close()
    assert.is(difference(value, decode(packet)), undefined)
    assert.is(packet.buffers[0]!.buffer.byteLength, value.samples.byteLength)
    assert.ok(copied < 400_000, `${copied} bytes were copied`)
  },
)

socket.run()
