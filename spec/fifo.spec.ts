/** What waits its turn: as a list that is pushed to and shifted from. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fifo } from '../src/fifo.js'
import { upTo } from './carriers/inbox.js'

const test = suite('fifo: as a list')

for (const [name, pushes, shifts] of [
  ['as many come as go', 1, 1],
  ['more come than go', 3, 2],
  ['more go than come', 2, 5],
] as const) {
  test(name, () => {
    const fifo = new Fifo<number>()
    const list: number[] = []
    let next = 0
    for (const round of upTo(100)) {
      for (let i = 0; i < pushes; i++) {
        fifo.push(next)
        list.push(next++)
      }
      if (round > 20) for (let i = 0; i < shifts; i++) assert.is(fifo.shift(), list.shift())
      assert.is(fifo.length, list.length)
      assert.equal(
        upTo(list.length + 1).map(i => fifo.peek(i)),
        [...list, undefined],
      )
    }
    fifo.clear()
    assert.equal([fifo.length, fifo.peek(), fifo.shift()], [0, undefined, undefined])
  })
}

test.run()
