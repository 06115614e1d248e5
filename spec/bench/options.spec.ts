/** What the bench is asked for, and in which words it refuses. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readOptions } from '../../bench/options.js'

const test = suite('bench: options')

test('nothing asked is everything measured', () => {
  assert.equal(readOptions([]), {
    filter: undefined,
    quick: false,
    check: false,
    instructions: false,
    json: undefined,
    compare: undefined,
    tolerance: 0.2,
    files: [],
  })
})

test('paths begin where the user was', () => {
  const { json, compare, files } = readOptions(
    ['--json', 'out.json', '--compare', '../old.json', '--file', 'a.json', '--file', '/data/b.arrow'],
    '/home/user',
  )
  assert.equal([json, compare], ['/home/user/out.json', '/home/old.json'])
  assert.equal(files, ['/home/user/a.json', '/data/b.arrow'])
})

const refused: readonly (readonly [name: string, args: readonly string[], message: RegExp])[] = [
  ['an option that there is not', ['--fast'], /Unknown option '--fast'/],
  ['a filter that is no regular expression', ['--filter', '('], /--filter is a regular expression, got \(/],
  ['a tolerance of all', ['--tolerance', '1'], /a share between 0 and 1, got 1/],
  ['a tolerance that is no number', ['--tolerance', 'some'], /got some/],
  ['bars on data of one’s own', ['--check', '--file', 'a.json'], /--check judges workloads/],
]

for (const [name, args, message] of refused) {
  test(`${name} is refused`, () => {
    assert.throws(
      () => readOptions(args),
      (error: unknown) => error instanceof TypeError && message.test(error.message),
    )
  })
}

test.run()
