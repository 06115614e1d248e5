import { spawnSync } from 'node:child_process'
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ValueRow, values } from '../fixtures/values.js'
import { Codec, type CodecOptions, decode, encode } from '../src/index.js'
import { difference } from './same.js'
import { refused } from './thrown.js'

const NO_CODE = { codegen: false }
const thresholds = [undefined, 0, Number.POSITIVE_INFINITY]

/** Generated functions take over after 16 objects of a shape; large values have as many within one message. */
const ROUNDS = 40
const LARGE = 4000
const LOOKED_AT = new Set([0, 17, ROUNDS - 1])

function expected(row: ValueRow, sent: unknown): unknown {
  return row.arrives === undefined ? sent : row.arrives(sent as never)
}

function waysOf(row: ValueRow): CodecOptions[] {
  const ways: CodecOptions[] = thresholds
    .filter(threshold => !(row.isShared && threshold === Number.POSITIVE_INFINITY))
    .flatMap(threshold => [{ threshold }, { threshold, limits: NO_CODE }])
  return row.isGraph ? ways : [...ways, { references: false }]
}

const each = suite('fidelity: each value')

for (const row of values) {
  each(row.name, () => {
    for (const options of waysOf(row)) {
      const codec = new Codec(options)
      const sent = row.make()
      const wanted = expected(row, sent)
      const isLong = codec.encode(sent).meta.length <= LARGE && options.limits !== NO_CODE
      const rounds = isLong ? ROUNDS : 2
      for (let round = 0; round < rounds; round++) {
        const copy = codec.decode(codec.encode(sent))
        if (!LOOKED_AT.has(round)) continue
        const found = difference(wanted, copy)
        assert.is(found, undefined, `round ${round}, ${JSON.stringify(options)}: ${found}`)
      }
    }
  })
}

each.run()

const together = suite('fidelity: values together')

const orders: [name: string, rows: ValueRow[]][] = [
  ['in order', [...values]],
  ['in the opposite order', values.toReversed()],
  ['each twice', values.flatMap(row => [row, row])],
]
for (const [name, rows] of orders) {
  together(`one codec carries all values ${name}`, () => {
    const codec = new Codec()
    for (const row of rows) {
      const sent = row.make()
      const found = difference(expected(row, sent), codec.decode(codec.encode(sent)))
      assert.is(found, undefined, `${row.name}: ${found}`)
    }
  })
}

for (const threshold of thresholds) {
  together(`all values in one message, threshold ${threshold}`, () => {
    const rows = values.filter(row => !row.isShared)
    // Each under a key of its own: arrays at one place are searched for own properties by sample.
    const sent = Object.fromEntries(rows.map(row => [row.name, row.make()]))
    const wanted = Object.fromEntries(rows.map(row => [row.name, expected(row, sent[row.name])]))
    assert.is(difference(wanted, decode(encode(sent, { threshold }))), undefined)
  })
}

together('no two rows have one name', () => {
  const names = values.map(({ name }) => name)
  assert.equal(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  )
})

together('a decoded value is a value like any other: it travels on', () => {
  for (const row of values) {
    const once = decode(encode(row.make()))
    const found = difference(once, decode(encode(once)))
    assert.is(found, undefined, `${row.name}: ${found}`)
  }
})

together.run()

const code = suite('fidelity: code of the value')

code('a getter is called once a message, with its object', () => {
  const calls: unknown[] = []
  const value = {
    get a() {
      calls.push(this)
      return calls.length
    },
  }
  const codec = new Codec()
  for (let round = 1; round <= 40; round++) {
    assert.is(difference({ a: round }, codec.decode(codec.encode(value))), undefined)
    assert.is(calls.length, round)
    assert.is(calls.at(-1), value)
  }
})

code('toJSON, valueOf, toString and Symbol.toPrimitive are not called', () => {
  const never = () => {
    throw new Error('called')
  }
  class Secret {
    readonly own = 1
    toJSON = undefined
    valueOf(): never {
      return never()
    }
    toString(): never {
      return never()
    }
    [Symbol.toPrimitive](): never {
      return never()
    }
  }
  Object.assign(Secret.prototype, { toJSON: never })
  assert.is(difference({ own: 1, toJSON: undefined }, decode(encode(new Secret()))), undefined)
})

code('a method of the same name on an instance does not stand in for a built-in one', () => {
  const date = Object.assign(new Date(5), { getTime: () => 6 })
  const map = Object.assign(new Map([[1, 2]]), { entries: () => [], [Symbol.iterator]: () => [] })
  const set = Object.assign(new Set([1]), { values: () => [], [Symbol.iterator]: () => [] })
  const wanted = [new Date(5), new Map([[1, 2]]), new Set([1])]
  assert.is(difference(wanted, decode(encode([date, map, set]))), undefined)
})

code('a getter that changes what comes after it is seen, and what comes before it is not', () => {
  const value: Record<string, unknown> = { before: 1 }
  Object.defineProperty(value, 'middle', {
    enumerable: true,
    get() {
      value.before = 2
      value.after = 2
      return 0
    },
  })
  value.after = 1
  assert.is(difference({ before: 1, middle: 0, after: 2 }, decode(encode(value))), undefined)
})

code('a getter that changes the Map that is being written changes nothing of what is sent', () => {
  const map = new Map<string, unknown>()
  const changing = {
    get once() {
      map.delete('gone')
      map.set('b', 'changed').set('more', 1)
      return 0
    },
  }
  map.set('a', changing).set('b', 2).set('gone', 3)
  const wanted = new Map<string, unknown>([
    ['a', { once: 0 }],
    ['b', 2],
    ['gone', 3],
  ])
  assert.is(difference(wanted, decode(encode(map))), undefined)
})

code('a getter that changes the Set that is being written changes nothing of what is sent', () => {
  const set = new Set<unknown>()
  const changing = {
    get once() {
      set.delete('gone')
      set.add('more')
      return 0
    },
  }
  set.add(changing).add('gone')
  assert.is(difference(new Set([{ once: 0 }, 'gone']), decode(encode(set))), undefined)
})

code('a getter that shortens an array leaves holes', () => {
  const array: unknown[] = ['a', 'b', 'c']
  array.unshift({
    get cut() {
      array.length = 2
      return 0
    },
  })
  assert.is(difference([{ cut: 0 }, 'a', , ,], decode(encode(array))), undefined)
})

code('a property that a getter before it deletes does not travel', () => {
  const deleting = (object: Record<string, unknown>) =>
    Object.defineProperty(object, 'first', {
      enumerable: true,
      get() {
        delete object.second
        return 1
      },
    })
  const make = [() => ({}), () => Object.assign([0], {}), () => Object.create(null), () => new Error('no')]
  for (const one of make) {
    const object = deleting(one() as Record<string, unknown>)
    object.second = 2
    assert.equal(
      Object.keys(decode(encode(object)) as object).filter(key => key !== '0'),
      ['first'],
    )
  }
})

code('the message of an error is text, whatever somebody put there, as in structured clone', () => {
  for (const message of [404, null, undefined, true, ['a', 'b']]) {
    const error = Object.assign(new Error('no'), { message })
    assert.is(decode<Error>(encode(error)).message, structuredClone(error as unknown as Error).message)
  }
})

code('what a getter throws passes unchanged, and the codec works on', () => {
  const codec = new Codec()
  const mine = new Error('mine')
  const value = {
    a: 1,
    get b() {
      throw mine
    },
  }
  for (let round = 0; round < 20; round++) {
    try {
      codec.encode([value])
      assert.unreachable()
    } catch (error) {
      assert.is(error, mine)
    }
    assert.is(difference([{ a: 1, b: 2 }], codec.decode(codec.encode([{ a: 1, b: 2 }]))), undefined)
  }
})

code('enumerable properties on Object.prototype do not travel', () => {
  const prototype = Object.prototype as unknown as Record<string, unknown>
  const codec = new Codec()
  codec.encode([{ a: 1 }, { a: 2 }])
  Object.defineProperty(prototype, 'polluted', {
    value: 1,
    enumerable: true,
    configurable: true,
    writable: true,
  })
  let packet: ReturnType<typeof encode>
  try {
    packet = codec.encode([{ a: 1 }, {}, { polluted: 2 }])
  } finally {
    delete prototype.polluted
  }
  assert.is(difference([{ a: 1 }, {}, { polluted: 2 }], decode(packet)), undefined)
})

code(
  'a built-in object is what it holds, whatever its class or itself makes of the members that tell',
  () => {
    class Text extends String {
      override valueOf(): string {
        return 'other'
      }
    }
    class Pattern extends RegExp {
      override get flags(): string {
        return 'i'
      }
      override get source(): string {
        return 'other'
      }
    }
    const number = Object.assign(Object(5), { valueOf: () => 9 })
    const own = Object.assign(new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 } as object)), {
      constructor: 5,
    })
    const [text, pattern, boxed, bytes] = decode<[string, RegExp, number, Uint8Array]>(
      encode([new Text('abc'), new Pattern('x', 'g'), number, own]),
    )
    assert.equal([`${text}`, `${pattern}`, +boxed, bytes.length], ['abc', '/x/g', 5, 8])
  },
)

for (const make of [
  () => new Uint8Array(3),
  () => Buffer.from('abc'),
  () => new Map(),
  () => new ArrayBuffer(1),
]) {
  code(`a Proxy of ${make().constructor.name} is refused`, () => {
    refused(() => encode([new Proxy(make(), {})]), 'UNSUPPORTED')
  })
}

const hosts: [name: string, make: () => object][] = [
  ['a promise', () => Promise.resolve(1)],
  ['a promise of a class of its own', () => new (class Later extends Promise<number> {})(() => {})],
  ['a promise of another realm', () => runInNewContext('Promise.resolve(1)') as object],
  ['a WeakMap', () => new WeakMap()],
  ['a generator', () => (function* () {})()],
  ['a symbol in a box', () => Object(Symbol('a')) as object],
  ['Intl.NumberFormat', () => new Intl.NumberFormat()],
  [
    'WebAssembly.Memory',
    () => Reflect.construct(Reflect.get(Reflect.get(globalThis, 'WebAssembly'), 'Memory'), [{ initial: 1 }]),
  ],
  ['a Blob', () => new Blob(['a'])],
  ['a URL', () => new URL('http://localhost/')],
  ['an Event', () => new Event('a')],
]
for (const [name, make] of hosts) {
  code(`${name} is refused, whatever somebody put on it`, () => {
    for (const object of [make(), Object.assign(make(), { id: 7 })]) {
      assert.is(refused(() => encode({ list: [object] }), 'UNSUPPORTED').path, 'value.list[0]')
    }
  })
}

class Model extends EventTarget {
  a = 1
}
class Tagged {
  a = 1
  get [Symbol.toStringTag]() {
    return 'Promise-like'
  }
}
const ours: [name: string, make: () => object][] = [
  ['of a class over one of the host’s', () => new Model()],
  ['of a class with a tag', () => new Tagged()],
  ['with a tag of its own', () => ({ [Symbol.toStringTag]: 'URL', a: 1 })],
]
for (const [name, make] of ours) {
  code(`an object ${name} travels as its fields`, () => {
    assert.equal(decode(encode(make())), { a: 1 })
  })
}

code('a setter that somebody put on Object.prototype takes no field', () => {
  for (const codegen of [true, false]) {
    const codec = new Codec({ limits: { codegen } })
    const packet = codec.encode([{ zap: 1, name: 'a' }])
    codec.decode(packet)
    Object.defineProperty(Object.prototype, 'zap', { set: () => {}, configurable: true })
    try {
      assert.equal(Object.entries(codec.decode<[object]>(packet)[0]), [
        ['zap', 1],
        ['name', 'a'],
      ])
    } finally {
      Reflect.deleteProperty(Object.prototype, 'zap')
    }
  }
})

code('every value of the table arrives where all that is built in is frozen', () => {
  const url = (path: string) => new URL(path, import.meta.url).href
  const script = `import { decode, encode } from '${url('../src/index.js')}'
    import { values } from '${url('../fixtures/values.js')}'
    import { difference } from '${url('same.js')}'
    const found = values.map(({ name, make, arrives }) => {
      const value = make()
      return [name, difference(arrives?.(value) ?? value, decode(encode(value)))]
    })
    console.log(found.length, JSON.stringify(found.filter(([, difference]) => difference)))`
  const flags = ['--no-warnings', '--frozen-intrinsics', '--input-type=module', '-e', script]
  const { stdout, stderr } = spawnSync(process.execPath, flags, { encoding: 'utf8' })
  assert.is(stdout.trim(), `${values.length} []`, stderr)
})

code('an element of Object.prototype is in no list of shapes', () => {
  const packet = encode({ x: 1 })
  const prototype = Object.prototype as unknown as Record<number, unknown>
  prototype[0] = 'polluted'
  try {
    assert.is(new Codec().decode<{ x: number }>(packet).x, 1)
  } finally {
    delete prototype[0]
  }
})

code('hidden properties on Object.prototype, named like a kind of value, change nothing', () => {
  const codec = new Codec()
  const kinds = ['object', 'undefined']
  const value = { a: {}, b: undefined }
  const packets: ReturnType<typeof encode>[] = []
  for (const kind of kinds) Object.defineProperty(Object.prototype, kind, { value: 1, configurable: true })
  try {
    // Often enough for a function to be made.
    for (let i = 0; i < 40; i++) packets.push(codec.encode(value))
  } finally {
    for (const kind of kinds) delete (Object.prototype as unknown as Record<string, unknown>)[kind]
  }
  for (const packet of packets) assert.is(difference(value, decode(packet)), undefined)
})

code.run()
