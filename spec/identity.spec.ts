/** What is met twice arrives once, and what is equal stays apart, however many objects a message has. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Codec } from '../src/index.js'

type Make = (i: number) => object

const kinds: [name: string, make: Make][] = [
  ['plain objects', i => ({ i })],
  ['equal plain objects', () => ({ a: 1 })],
  ['arrays of text', i => [String(i % 7)]],
  ['pairs', i => [i, -i]],
  ['equal pairs', () => [0, 0]],
  ['pairs of a few kinds', i => [i % 5, 0.5]],
  ['arrays of equal pairs', () => [[1, 2]]],
  ['arrays of pairs', i => [[i, 2]]],
  ['Sets', () => new Set()],
  ['all of these, one after the other', i => kinds[i % (kinds.length - 1)]![1](i)],
]

/** Around the places where objects are known in another way. */
const counts = [1, 4, 5, 24, 25, 300, 4095, 4096, 4097, 8192, 8193, 12_287, 12_288, 12_289, 20_000]

/** Places, of so many, that are met again, in this order. */
const repeats: [name: string, places: (count: number) => number[]][] = [
  ['none', () => []],
  ['the first', () => [0]],
  ['the last', count => [count - 1]],
  ['some, twice', count => [count >> 1, count - 1, 0, count >> 1, count - 1, 0]],
  ['all, backwards', count => Array.from({ length: count }, (_, i) => count - 1 - i)],
]

const identity = suite('identity')

for (const [kind, make] of kinds) {
  for (const [name, placesOf] of repeats) {
    identity(`${kind}: ${name}`, () => {
      const codec = new Codec()
      for (const count of counts) {
        const objects = Array.from({ length: count }, (_, i) => make(i))
        const places = placesOf(count)
        const sent = [...objects, ...places.map(place => objects[place])]
        const got = codec.decode<object[]>(codec.encode(sent))
        assert.is(new Set(got).size, count, `${count} objects`)
        for (const [i, place] of places.entries()) {
          assert.is(got[count + i], got[place], `${count} objects, place ${place}`)
        }
      }
    })
  }
}

identity('what comes new after the first was met again', () => {
  const codec = new Codec()
  for (const count of counts) {
    const objects = Array.from({ length: count }, (_, i) => ({ i }))
    const later = Array.from({ length: count }, (_, i) => ({ i }))
    const got = codec.decode<object[]>(codec.encode([...objects, objects[0], ...later, ...later, ...objects]))
    assert.is(new Set(got).size, 2 * count)
    assert.is(got[count], got[0])
    for (let i = 0; i < count; i++) {
      assert.is(got[2 * count + 1 + i], got[count + 1 + i])
      assert.is(got[3 * count + 1 + i], got[i])
    }
  }
})

identity.run()
