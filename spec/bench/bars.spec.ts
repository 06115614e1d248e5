/** Who is a rival, which heat a ratio is from, and when a bar is passed. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bars, judge } from '../../bench/bars.js'
import { Board } from '../../bench/board.js'
import { results, row } from './results.js'

const barOf = (name: string) => bars.filter(({ bar }) => bar === name)

const test = suite('bench: bars')

test('a ratio is from the heat where both met', () => {
  const board = new Board(
    results([
      row('outband', 'one', 100),
      row('exact', 'one', 300),
      row('outband', 'two', 200),
      row('loose', 'two', 300),
    ]),
  )
  assert.equal([board.ratio('codec/rpc', 'exact'), board.ratio('codec/rpc', 'loose')], [3, 1.5])
  assert.ok(Number.isNaN(board.ratio('codec/rpc', 'told')))
})

test('neither we, nor a limit, nor another language, nor a wrong answer is a rival', () => {
  const names = ['outband', 'exact', 'loose', 'copy', 'snake']
  const rows = names.map(name => row(name, 'one', 100))
  const board = new Board(results([...rows, row('told', 'one', 50, { lost: ['value'] })]))
  assert.equal(
    board.rivals('codec/rpc').map(({ contestant }) => contestant),
    ['exact', 'loose'],
  )
})

const rpc = (exact: number, loose: number) =>
  results([
    row('outband', 'one', 100),
    row('outband tree', 'one', 80),
    row('exact', 'one', exact),
    row('loose', 'one', loose),
    row('told', 'one', 10),
    row('snake', 'one', 10),
  ])

for (const [name, board, got, passed] of [
  ['faster than both', rpc(150, 130), '1.30x', true],
  ['slower than one', rpc(150, 90), '0.90x', false],
] as const) {
  test(`P4, ${name}`, async () => {
    const [p4] = await judge(new Board(board), barOf('P4'))
    assert.equal([p4?.got, p4?.passed], [got, passed])
  })
}

test('a bar whose cases were not measured is not judged', async () => {
  const [p1] = await judge(new Board(results([])), barOf('P1'))
  assert.equal([p1?.got, p1?.must], ['not run', ''])
})

test.run()
