/** Rings as carriers: the contract between two threads, and what is particular to rings. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toPost } from '../../src/carriers/port/posts.js'
import { createRing, type RingEnd } from '../../src/carriers/ring/end.js'
import { META, POSTED, packetBytes } from '../../src/carriers/ring/entry.js'
import { BRAND, NEXT } from '../../src/carriers/ring/outgoing.js'
import { RingCarrier, type RingOptions } from '../../src/carriers/ring/ring.js'
import { Spin } from '../../src/carriers/ring/spin.js'
import { BELL } from '../../src/carriers/ring/wake.js'
import { ASLEEP, ringBytes } from '../../src/memory/ring.js'
import { connectRing } from '../../src/ring/index.js'
import { contract } from '../contract.js'
import { thrown } from '../thrown.js'
import { codeOf, Inbox, numbered, turns, upTo } from './inbox.js'
import { ringPair } from './pairs.js'
import { waitsForEver, waitsForTakers } from './patience.js'

contract('ring', ringPair, { transfers: true, shares: true, kills: true, unattended: 'ring' })

const particular = suite('rings: what is particular to them')

/** Two ends in one thread; each has its inbox. */
function pair(options: RingOptions = {}, capacity = 4096) {
  const ends = createRing({ capacity })
  const [left, right] = ends.map(end => new RingCarrier(end, options)) as [RingCarrier, RingCarrier]
  const [atLeft, atRight] = [new Inbox(), new Inbox()]
  left.receive(atLeft)
  right.receive(atRight)
  return { ends, left, right, atLeft, atRight }
}

const { port1 } = new MessageChannel()
port1.close()
const memory = new SharedArrayBuffer(2 * ringBytes(4096))
const wrong: [name: string, end: unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['an end without a port', { memory, side: 0, name: 'x' }],
  ['an end of a third side', { memory, side: 2, port: port1, name: 'x' }],
  [
    'an end with memory that is not shared',
    { memory: new ArrayBuffer(2 ** 16), side: 0, port: port1, name: 'x' },
  ],
  ['an end whose port is none', { memory, side: 0, port: {}, name: 'x' }],
]
for (const [name, end] of wrong) {
  particular(`${name} is no end: a TypeError`, () => {
    assert.instance(
      thrown(() => new RingCarrier(end as RingEnd)),
      TypeError,
    )
  })
}

/** Only said to be so long: who looks at their bytes has not looked at that first. */
const long = (byteLength: number) => ({ byteLength, buffer: new ArrayBuffer(8) }) as Uint8Array
for (const [what, ...lengths] of [
  ['2**31 bytes', 2 ** 31],
  ['4 GiB', 2 ** 32],
  ['4 GiB and a little', 2 ** 32 + 100],
  ['4 GiB in two buffers', 2 ** 31, 2 ** 31 - 8],
  ['more than its part by a byte', 1024 - 24 + 1],
] as [string, ...number[]][]) {
  particular(`${what}: no entry of the ring`, () => {
    assert.is(packetBytes({ meta: new Uint8Array(8), buffers: lengths.map(long) }, 1024), -1)
  })
}

particular(
  'whose other end was closed before anybody listened: PEER_GONE, after what it had written',
  async () => {
    const [near, far] = createRing()
    const left = new RingCarrier(far)
    left.receive(new Inbox())
    for (const i of upTo(3)) void left.send(numbered(i))
    far.port.close()
    await turns(5)
    const [right, inbox] = [new RingCarrier(near), new Inbox()]
    right.receive(inbox)
    assert.is(await codeOf(() => right.closed), 'PEER_GONE')
    assert.equal(inbox.numbers, upTo(3))
  },
)

for (const capacity of [0, 2048, 5000, 2 ** 31, Number.NaN, '4096']) {
  particular(`a capacity of ${capacity}: a TypeError`, () => {
    assert.instance(
      thrown(() => createRing({ capacity: capacity as number })),
      TypeError,
    )
  })
}

for (const options of [{ spinMs: -1 }, { closeTimeoutMs: Number.NaN }, { highWaterMark: 0 }, { strict: 1 }]) {
  particular(`${JSON.stringify(options)}: a TypeError`, () => {
    const [end, other] = createRing()
    assert.instance(
      thrown(() => new RingCarrier(end, options as RingOptions)),
      TypeError,
    )
    other.port.close()
  })
}

particular(
  'an end is held, where a lock tells of its thread, while there is a channel, and not by an option that is none',
  async () => {
    const held = new Set<string>()
    const locks = {
      query: async () => ({ held: [] }),
      request: async (name: string, _: unknown, hold: () => Promise<void>) => {
        held.add(name)
        await hold()
        held.delete(name)
      },
    }
    const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
    Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { locks } })
    try {
      // A port as browsers have it.
      const port = Object.assign(new EventTarget(), { postMessage: () => {} })
      const end = { ...createRing()[0], port: port as never, name: 'x' }
      assert.instance(
        thrown(() => connectRing(end, { maxWaiting: 0 })),
        TypeError,
      )
      assert.equal([...held], [])
      const channel = connectRing(end)
      assert.equal([...held], ['x 0'])
      channel.abort()
      await turns(2)
      assert.equal([...held], [])
    } finally {
      if (before === undefined) Reflect.deleteProperty(globalThis, 'navigator')
      else Object.defineProperty(globalThis, 'navigator', before)
    }
  },
)

particular('who slept long before something was there goes to sleep again at once', () => {
  let time = 0
  performance.now = () => time
  try {
    const spin = new Spin(0.05)
    for (const [sleptMs, looksOn] of [
      [5, false],
      [0.5, true],
      [5, false],
    ] as const) {
      while (spin.goesOn()) time++
      time += sleptMs
      spin.found()
      assert.is(spin.goesOn(), looksOn, `after ${sleptMs} ms`)
    }
  } finally {
    Reflect.deleteProperty(performance, 'now')
  }
})

for (const bytes of [0, 1024, 3 * ringBytes(4096)]) {
  particular(`an end with ${bytes} bytes of memory: RING_CORRUPT`, async () => {
    const end = { memory: new SharedArrayBuffer(bytes), side: 0, port: port1, name: 'x' } as const
    assert.is(await codeOf(() => new RingCarrier(end) as never), 'RING_CORRUPT')
  })
}

particular('a message of the port that no channel sent: MALFORMED here, PEER_GONE there', async () => {
  const { ends, left, right } = pair()
  ends[0].port.postMessage('hello')
  assert.is(await codeOf(() => right.closed), 'MALFORMED')
  assert.is(await codeOf(() => left.closed), 'PEER_GONE')
})

particular('an entry whose post never came is waited for, and lost with its peer', async () => {
  const { ends, left, right, atRight } = pair()
  void left.send(numbered(0))
  await atRight.reach(1)
  // The mark of a post, written by nobody who posted anything.
  const control = new Int32Array(ends[0].memory, 0, 48)
  const words = new Int32Array(ends[0].memory, 192)
  const tail = Atomics.load(control, 16)
  words[tail >> 2] = 0
  words[(tail >> 2) + 1] = 2
  Atomics.store(control, 16, tail + 8)
  ends[0].port.postMessage('outband ring 1:')
  await turns(5)
  assert.is(atRight.ends, 0)
  ends[0].port.close()
  assert.is(await codeOf(() => right.closed), 'PEER_GONE')
  assert.equal(atRight.numbers, [0])
})

/** Writes an entry without bytes, as a side's own carrier does not know. */
function writeEntry({ memory, side }: RingEnd, mark: number): void {
  const start = (side * memory.byteLength) / 2
  const control = new Int32Array(memory, start, 48)
  const words = new Int32Array(memory, start + 192)
  const tail = Atomics.load(control, 16)
  words.set([0, mark], tail >> 2)
  Atomics.store(control, 16, tail + 8)
}

particular(
  'a post that says that it is next is taken before its entry, which is passed over later',
  async () => {
    const { ends, left, atRight } = pair()
    const [end] = ends
    void left.send(numbered(0))
    for (const i of [1, 2, 3]) {
      end.port.postMessage(toPost(NEXT, numbered(i), []))
      await atRight.reach(i + 1)
      writeEntry(end, POSTED)
    }
    assert.equal(atRight.numbers, [0, 1, 2, 3])
    left.abort()
  },
)

particular('one that does not say so waits for it', async () => {
  const { ends, left, atRight } = pair()
  const [end] = ends
  end.port.postMessage(toPost(BRAND, numbered(0), []))
  await turns(5)
  assert.equal(atRight.numbers, [])
  writeEntry(end, POSTED)
  end.port.postMessage(BRAND)
  await atRight.reach(1)
  left.abort()
})

particular('a post taken early whose entry is another: RING_CORRUPT', async () => {
  const { ends, right, atRight } = pair()
  const [end] = ends
  end.port.postMessage(toPost(NEXT, numbered(0), []))
  await atRight.reach(1)
  writeEntry(end, META)
  end.port.postMessage(BRAND)
  assert.is(await codeOf(() => right.closed), 'RING_CORRUPT')
})

for (const [what, highWaterMark, posts] of [
  ['needs no bell', undefined, 1],
  ['is sent one while a sender waits for it to take all', 1, 2],
] as const) {
  particular(`a peer that heard of a move and slept again before its entry was there ${what}`, async () => {
    const [here, there] = createRing()
    const post = here.port.postMessage.bind(here.port)
    const asleep = new Int32Array(here.memory, 0, 48)
    let count = 0
    here.port.postMessage = (...args: Parameters<typeof post>) => {
      post(...args)
      // What the peer may do before this call is over.
      if (count++ === 0) Atomics.store(asleep, ASLEEP, BELL)
    }
    const carrier = new RingCarrier(here, { highWaterMark })
    carrier.receive(new Inbox())
    void carrier.send(numbered(0), [])
    assert.is(count, posts)
    carrier.abort()
    there.port.close()
  })
}

particular('who writes beside a head that cannot be: RING_CORRUPT, and the peer learns it', async () => {
  const { ends, left, right } = pair()
  const control = new Int32Array(ends[0].memory, 0, 48)
  Atomics.store(control, 0, 8000)
  const flood = () => {
    for (const i of upTo(1000)) void left.send(numbered(i))
  }
  assert.is(await codeOf(async () => flood()), 'RING_CORRUPT')
  assert.is(await codeOf(() => left.closed), 'RING_CORRUPT')
  assert.is(await codeOf(() => left.send(numbered(0))), 'RING_CORRUPT')
  assert.ok(['PEER_GONE', 'RING_CORRUPT'].includes(await codeOf(() => right.closed)))
})

particular('a peer that never answers: close rejects with TIMEOUT', async () => {
  const [here, there] = createRing()
  const carrier = new RingCarrier(here, { closeTimeoutMs: 30 })
  const inbox = new Inbox()
  carrier.receive(inbox)
  void carrier.send(numbered(0))
  assert.is(await codeOf(() => carrier.close()), 'TIMEOUT')
  assert.is(inbox.error?.code, 'TIMEOUT')
  there.port.close()
})

particular('closeTimeoutMs: 0 waits for ever', async () => {
  const [here] = createRing()
  await waitsForEver(new RingCarrier(here, { closeTimeoutMs: 0 }))
})

particular('close waits for a peer that takes now and then', async () => {
  const [here, there] = createRing()
  await waitsForTakers(new RingCarrier(here, { closeTimeoutMs: 600 }), new RingCarrier(there))
})

particular('a port that was closed before is posted to without harm', async () => {
  for (const side of [0, 1] as const) {
    const ends = createRing()
    ends[side].port.close()
    await turns(3)
    const carrier = new RingCarrier(ends[0], { closeTimeoutMs: 30 })
    carrier.receive(new Inbox())
    for (const i of upTo(50)) void carrier.send(numbered(i, 10, i % 2 === 0 ? 100_000 : 1))
    const code = await codeOf(() => carrier.close())
    assert.ok(code === 'TIMEOUT' || code === 'PEER_GONE', code)
    ends[1].port.close()
  }
})

particular('buffers at every phase keep it, so that nobody need copy them to align them', async () => {
  const { left, atRight, right } = pair()
  const memory = new Uint8Array(64).map((_, i) => i)
  const windows = upTo(17).map(i => memory.subarray(i, i + 13))
  void left.send({ meta: new Uint8Array(3), buffers: windows })
  await atRight.reach(1)
  for (const [i, buffer] of atRight.parcels[0]!.buffers.entries()) {
    assert.is(buffer.byteOffset & 7, windows[i]!.byteOffset & 7)
    assert.equal([...buffer], [...windows[i]!])
  }
  assert.is(left.counts.copied, 17 * 13)
  left.abort()
  await right.closed.catch(() => {})
})

particular('without spinning, and with much of it, packets arrive all the same', async () => {
  for (const spinMs of [0, 5]) {
    const { left, right, atLeft, atRight } = pair({ spinMs })
    for (const i of upTo(300)) {
      void left.send(numbered(i, ...(i % 5 === 0 ? [100] : [])))
      if (i % 3 === 0) await right.send(numbered(i / 3))
    }
    await Promise.all([atLeft.reach(100), atRight.reach(300)])
    await Promise.all([left.close(), right.close()])
    assert.equal(atRight.numbers, upTo(300))
  }
})

particular.run()
