/** Objects that the platform moves beside a packet: what a peer may say in place of their numbers. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Hosts } from '../src/hosts.js'
import { defineType, encode, registry } from '../src/index.js'
import { refused } from './thrown.js'

/** Says anything under the tag that is kept for hosts. */
class Lie {
  constructor(readonly number: unknown) {}
}
const types = registry(
  defineType({
    class: Lie,
    tag: 'outband.host',
    reduce: ({ number }: Lie) => number,
    rebuild: number => new Lie(number),
  }),
)
const host = { port: 1 }

const test = suite('hosts: numbers')

test('the host of a number takes its place', () => {
  const hosts = new Hosts()
  const parcel = { ...encode([new Lie(0)], { types }), hosts: [host] }
  assert.is((hosts.decode(hosts.codec({}), parcel) as unknown[])[0], host)
})

for (const number of [
  ...['map', 'constructor', '__proto__', 'length', 'push', '0', ''],
  ...[1, -1, 0.5, Number.NaN, 2 ** 32, null, undefined, true, 0n, {}, [0], new Date(0)],
]) {
  test(`${typeof number} ${String(number)} is REBUILD`, () => {
    for (const beside of [undefined, [host]]) {
      const hosts = new Hosts()
      const parcel = { ...encode([new Lie(number)], { types }), hosts: beside }
      refused(() => hosts.decode(hosts.codec({}), parcel), 'REBUILD', { tag: 'outband.host' })
    }
  })
}

test.run()
