/** Parcels that leave out the shapes of those before them, as rings send them: what must be told again, and when. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Codec, type CodecOptions, defineType, registry } from '../src/index.js'
import { NO_TEXT, type Parcel } from '../src/packet.js'
import { connectRing, createRing } from '../src/ring/index.js'
import { difference } from './same.js'
import { codeOf, thrown } from './thrown.js'

const keeping = (options?: CodecOptions): Codec => new Codec(options, undefined, true)

/** Both ends; what is sent is opened at once, and compared. */
class Talk {
  readonly left: Codec
  readonly right: Codec

  constructor(options?: CodecOptions) {
    this.left = keeping(options)
    this.right = keeping(options)
  }

  /** Sends a value; its bytes of metadata. */
  say(value: unknown): number {
    const parcel = this.parcel(value)
    assert.is(difference(value, this.right.open(parcel)), undefined)
    return parcel.meta.length
  }

  parcel(value: unknown): Parcel {
    return this.left.parcel(value, NO_TEXT)
  }
}

const keyed = (i: number): object => ({ [`key ${i}`]: i, id: i })

const rows: [name: string, run: (talk: Talk) => void, options?: CodecOptions][] = [
  [
    'keys travel once',
    talk => {
      const call = { id: 7, method: 'add', params: { left: 1, right: 2 } }
      const keys = 'id method params left right'.length - 4
      const first = talk.say(call)
      const second = talk.say({ ...call, id: 8 })
      assert.ok(second <= first - keys, `${first}, then ${second} bytes`)
      assert.is(talk.say(call), second)
    },
  ],
  [
    'calls of two shapes in turn are as short as of one',
    talk => {
      talk.say({ a: 1 })
      talk.say({ b: { c: 1 } })
      assert.is(talk.say({ a: 2 }), 6)
      assert.is(talk.say({ b: { c: 2 } }), 7)
    },
  ],
  [
    'values without objects in between',
    talk => {
      talk.say({ a: 1 })
      for (const value of [1, 'text', [1, 'a'], undefined]) talk.say(value)
      assert.is(talk.say({ a: 2 }), 6)
    },
  ],
  ['many shapes, one a message', talk => upTo(300, i => talk.say(keyed(i % 200)))],
  [
    'many shapes in a message, and one after it',
    talk => upTo(5, i => talk.say([upTo(100, keyed), keyed(i)])),
  ],
  [
    'more shapes than one message may have bytes',
    talk => upTo(40, i => talk.say(keyed(i))),
    { limits: { metaBytes: 100 } },
  ],
  [
    'dictionaries are not told again and again',
    talk => {
      const dictionary = (i: number): object => Object.fromEntries(upTo(300, k => [`key ${k} of ${i}`, k]))
      const first = talk.say(dictionary(10))
      upTo(20, i => assert.is(talk.say(dictionary(20 + i)), first))
    },
  ],
  [
    'nor are keys that never come again, past those that the encoder remembers',
    talk => {
      const bytes = upTo(400, i => talk.say({ [`key ${1000 + i}`]: 1 }))
      assert.is(Math.max(...bytes.slice(300)), bytes[0])
    },
  ],
  ['more shapes than the encoder remembers', talk => upTo(3, () => talk.say(upTo(5000, keyed)))],
  ['objects that were warm before', talk => upTo(40, i => talk.say({ id: i, at: { x: i, y: `${i}` } }))],
  [
    'keys that are indices, none, and objects without a prototype',
    talk => upTo(3, i => talk.say([{ 7: i }, {}, Object.assign(Object.create(null), { a: i })])),
  ],
  [
    'own properties of arrays, looked for in each message anew',
    talk => upTo(40, i => talk.say({ list: Object.assign([i, 'a'], { name: 'pair' }) })),
  ],
  [
    'a value that cannot travel, after a shape that nobody knows',
    talk => {
      talk.say({ a: 1 })
      thrown(() => talk.parcel([{ a: 1 }, { b: 1 }, { c: () => {} }]))
      talk.say({ b: 2, a: { a: 1 } })
      talk.say({ b: 2 })
    },
  ],
  [
    'a message that is too long',
    talk => {
      talk.say({ a: 1 })
      for (const value of [{ b: 'x'.repeat(200) }, { ['x'.repeat(200)]: 1 }]) {
        assert.is(
          codeOf(() => talk.parcel(value)),
          'LIMIT',
        )
        talk.left.forget()
        talk.say(1)
        talk.say({ b: 1 })
        talk.say({ b: 2 })
      }
    },
    { limits: { metaBytes: 100 } },
  ],
  [
    'a parcel that did not arrive',
    talk => {
      talk.say({ a: 1 })
      talk.parcel({ b: 1 })
      talk.left.forget()
      talk.say({ b: 1 })
      talk.say({ a: 1 })
    },
  ],
  [
    'one that is sent while another is encoded',
    talk => {
      talk.say({ a: 1, inner: { b: 1 } })
      const value = {
        a: 1,
        get inner() {
          talk.say({ other: { shapes: 1 } })
          return { b: 1 }
        },
      }
      const parcel = talk.parcel(value)
      assert.equal(talk.right.open(parcel), { a: 1, inner: { b: 1 } })
      talk.say({ a: 1, inner: { b: 1 } })
    },
  ],
]

const kept = suite('kept shapes: both ends agree')
for (const [name, run, options] of rows) kept(name, () => run(new Talk(options)))

kept('one that is opened while another is decoded', () => {
  class Box {
    readonly value: unknown
    constructor(value: unknown) {
      this.value = value
    }
  }
  const left = keeping({
    types: registry(
      defineType({ class: Box, tag: 'box', reduce: ({ value }) => value, rebuild: value => new Box(value) }),
    ),
  })
  const opened: unknown[] = []
  const late: Parcel[] = []
  const right = keeping({
    types: registry(
      defineType({
        class: Box,
        tag: 'box',
        reduce: ({ value }) => value,
        rebuild: value => {
          opened.push(right.open(late.shift() as Parcel))
          return new Box(value)
        },
      }),
    ),
  })
  const first = left.parcel([{ a: 1 }, new Box({ b: 1 }), { a: 2 }], NO_TEXT)
  late.push(left.parcel({ c: { a: 3 } }, NO_TEXT))
  assert.equal(right.open(first), [{ a: 1 }, new Box({ b: 1 }), { a: 2 }])
  assert.equal(opened, [{ c: { a: 3 } }])
  assert.equal(right.open(left.parcel({ c: { a: 4 } }, NO_TEXT)), { c: { a: 4 } })
})

kept('whoever missed the first is told nothing wrong', () => {
  const left = keeping()
  left.parcel({ a: 1 }, NO_TEXT)
  const second = left.parcel({ a: 1 }, NO_TEXT)
  for (const codec of [keeping(), new Codec()])
    assert.is(
      codeOf(() => codec.open(second)),
      'MALFORMED',
    )
})

kept('a packet of `encode` is whole, whatever came before', () => {
  const { left } = new Talk()
  left.parcel({ a: 1 }, NO_TEXT)
  assert.equal(new Codec().decode(left.encode({ a: 2 })), { a: 2 })
  assert.equal(new Codec().decode(new Codec().encode({ a: 2 })), { a: 2 })
})
kept.run()

const sent = suite('kept shapes: a ring')

/** Both ends in this thread: what the one sends the other has when it looks. */
async function withRing(
  run: (send: (value: unknown) => Promise<void>, take: () => unknown) => unknown,
  options?: CodecOptions,
) {
  const [here, there] = createRing()
  const [left, right] = [connectRing(here, options), connectRing(there, options)]
  await run(
    value => left.send(value),
    () => right.receiveSync({ timeoutMs: 10_000 }),
  )
  await Promise.all([left.close(), right.close()])
}

sent('what was not sent is not taken for known', () =>
  withRing(async (send, take) => {
    await send({ a: 1 })
    const lost = new Uint8Array(8)
    structuredClone(lost, { transfer: [lost.buffer] })
    const failure = await send({ b: { lost } }).catch(error => error.code)
    assert.is(failure, 'DETACHED')
    await send({ b: { a: 1 } })
    assert.equal([take(), take()], [{ a: 1 }, { b: { a: 1 } }])
  }),
)

sent('a callback sends something else, when the shapes of its message are known already', () => {
  const [outer, inner] = [{ a: new Uint8Array(1) }, { b: { c: 1 } }]
  let send: (value: unknown) => unknown
  let isFirst = true
  return withRing(
    async (sendOver, take) => {
      send = sendOver
      for (const expected of [[outer], [inner, outer], [inner, outer]]) {
        await send(outer)
        assert.equal(expected.map(take), expected)
      }
    },
    {
      bufferCallback: () => {
        if (!isFirst) send(inner)
        isFirst = false
      },
    },
  )
})

sent('what is long or moves goes by the port, and knows the same shapes', () =>
  withRing(async (send, take) => {
    const long = { text: 'x'.repeat(100_000) }
    for (const value of [{ a: 1 }, long, { a: 2 }, long, { a: 3, text: '' }]) {
      await send(value)
      assert.equal(take(), value)
    }
  }),
)
sent.run()

function upTo<T>(end: number, make: (i: number) => T): T[] {
  return Array.from({ length: end }, (_, i) => make(i))
}
