/** The report of the bench: whatever the results hold, the page is well-formed and needs nothing else, and its lengths are theirs. */
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { inSight, Lineup } from '../../bench/page/lineup.js'
import { page } from '../../bench/page/page.js'
import { checked, readResults, type Saved, written } from '../../bench/page/results.js'
import { LogScale } from '../../bench/page/scale.js'
import { times } from '../../bench/page/units.js'
import { drawn } from '../../bench/page/write.js'
import { GOOD, results, row } from './made-up.js'
import { all, type Element, read, within } from './well-formed.js'

const root = new URL('../../../', import.meta.url)
const style = readFileSync(new URL('bench/page/page.css', root), 'utf8')
const saved = (json: object): Saved => checked(JSON.parse(JSON.stringify(json)), 'FILE')
/** Without its style sheet, which is ours. */
const pageOf = (json: object): Element => read(page(saved(json), ''))
const article = (body: Element, title: string): Element =>
  all(body, 'article').find(({ children }) => children[0]?.text === title)!
const percent = (text: string | undefined): number => Number(text?.replace('%', ''))
/** Contestant and length of every bar. */
const lengths = (chart: Element): [name: string, width: number][] =>
  all(all(chart, 'ul', 'bars')[0]!, 'li').map(line => [
    all(line, 'span', 'name')[0]!.children[0]!.text,
    percent(all(line, 'rect')[0]!.attributes.width),
  ])

const test = suite('bench: the report')

for (const [name, json] of results) {
  test(`${name}: the page is well-formed, needs nothing else, and leads nowhere`, async () => {
    for (const [file, text] of await drawn(saved(json))) {
      if (file === 'results.json') continue
      const body = read(
        file === 'index.html' ? text.replace(style, '') : text.replace(/<style>[^<]*/, '<style>'),
      )
      const elements = [...within(body)]
      const ids = elements.flatMap(({ attributes }) => attributes.id ?? [])
      assert.is(new Set(ids).size, ids.length)
      for (const { name, attributes } of elements) {
        assert.not(['script', 'img', 'iframe', 'object', 'use', 'image'].includes(name))
        for (const [key, value] of Object.entries(attributes)) {
          assert.not.match(key, /^on|^src|^xlink|^style$/)
          assert.not.match(value, /NaN|Infinity|undefined/)
          if (key === 'href' && value !== 'data:,') assert.ok(ids.includes(value.slice(1)), value)
        }
      }
      for (const image of all(body, 'svg').filter(({ attributes }) => attributes.role === 'img')) {
        assert.ok(all(image, 'title')[0]!.text.trim().length > 0)
      }
    }
  })
}

test('no address of another machine is in the style sheet, nor an import', () => {
  assert.not.match(style, /url\(|@import|\/\/|</)
})

test('lengths are times in units of ours, and so are the feet of thin lines', () => {
  const movies = article(pageOf(GOOD), 'movies')
  assert.equal(
    lengths(movies).map(([name]) => name),
    ['outband', 'packer shared', 'packer', 'packer whole', 'late'],
  )
  const [[, unit]] = lengths(movies) as [[string, number]]
  assert.equal(
    lengths(movies).map(([, width]) => Number((width / unit).toFixed(2))),
    [1, 1.5, 2, 4, 5],
  )
  const [packer] = all(movies, 'li').filter(({ text }) => text.includes('2.00x'))
  const feet = all(packer!, 'line', 'whisker').flatMap(({ attributes: { x1, x2 } }) => [
    percent(x1),
    percent(x2),
  ])
  assert.ok(Math.abs(Math.min(...feet) / unit - 1.8) < 0.01)
  assert.ok(Math.abs(Math.max(...feet) / unit - 2.4) < 0.01)
  assert.ok(Math.abs(percent(all(packer!, 'line', 'mark')[0]!.attributes.x1) - unit) < 0.01)
})

test('who is far is told in words, and what is drawn beyond its picture is torn', () => {
  const movies = article(pageOf(GOOD), 'movies')
  assert.match(movies.text, 'Slower: later 7.77x, latest 9.99x')
  assert.is(all(movies, 'line', 'tear').length, 0)
  const far = [
    row('codec/cars', 'outband', 10),
    row('codec/cars', 'late', 20),
    row('codec/cars', 'later', 500),
  ]
  const cars = article(pageOf({ ...GOOD, rows: far }), 'cars')
  assert.equal(lengths(cars), [
    ['outband', 12.5],
    ['late', 25],
    ['later', 100],
  ])
  assert.is(all(cars, 'line', 'tear').length, 1)
})

test('the limit is a line through all bars, and no win of anybody', () => {
  const way = article(pageOf(GOOD), 'tensor-8MiB')
  const lines = all(way, 'line', 'limit').map(({ attributes }) => percent(attributes.x1))
  assert.is(lines.length, 2)
  const [[, limit]] = lengths(way) as [[string, number]]
  assert.equal(lines, [limit, limit])
  assert.match(way.text, 'the limit: raw socket, 0.75x')
})

test('an answer that is wrong is marked, a rival that is faster too', () => {
  const rows = [row('codec/cars', 'outband', 10), row('codec/cars', 'late', 9.96, { lost: ['type'] })]
  const cars = article(pageOf({ ...GOOD, rows }), 'cars')
  const [late] = all(cars, 'li', 'wrong')
  assert.match(late!.text, /lost here: type/)
  assert.is(all(late!, 'b', 'late')[0]!.text, '0.99x')
})

test('a mean is geometric, of the most faithful setting of each library', () => {
  const lineup = new Lineup(saved(GOOD))
  const means = lineup.means(['codec/movies', 'codec/cars'])
  const packer = means.filter(({ name }) => name.startsWith('packer'))
  assert.equal(
    packer.map(({ name, x, from, to, cases }) => ({ name, x: Number(x.toFixed(6)), from, to, cases })),
    [{ name: 'packer whole', x: 2, from: 1, to: 4, cases: 2 }],
  )
})

test('a mean over some of the cases says so', () => {
  const rows = GOOD.rows.map(one => (one.case.startsWith('codec/') ? { ...one, lost: [] } : one))
  const mean = article(pageOf({ ...GOOD, rows }), 'Documents, encoded and decoded')
  const texts = all(mean, 'li').map(({ text }) => text)
  assert.match(texts.find(text => text.includes('late'))!, '(1 of 2)')
  assert.not.match(texts.find(text => text.includes('packer whole'))!, '1 of 2')
})

test('of settings within 5 % the one that was listed first is drawn', () => {
  const rows = [
    row('codec/cars', 'outband', 10),
    row('codec/cars', 'packer', 20.5),
    row('codec/cars', 'packer quick', 20),
  ]
  const drawn = new Lineup(saved({ ...GOOD, rows })).drawn('codec/cars', 'both')
  assert.equal(
    drawn.map(({ name }) => name),
    ['outband', 'packer'],
  )
})

test('three rivals are drawn, however far they are', () => {
  const entries = [1, 10, 20, 30, 40].map((x, i) => ({ x, ours: i === 0, limit: false }))
  assert.equal(inSight(entries).far, entries.slice(4))
})

test('every time of the results is in a table of the page', () => {
  const { text } = pageOf(GOOD)
  for (const words of [
    '1.00 µs',
    '7.77 µs',
    '9.99 µs',
    '600 ns',
    '100 ns',
    '4.32 kB',
    '2.35 µs',
    '50.0 ns',
    '1.73 µs',
    '8.77 kB',
    '1.07 s',
  ])
    assert.ok(text.includes(words), words)
  for (const words of [
    'A processor',
    '2 cores',
    'v20.0.0',
    '2026-01-02',
    '8.00 GB of memory',
    'outband 0.1.0',
    'too large',
  ])
    assert.ok(text.includes(words), words)
  assert.match(text, '1 of 2 passed')
  assert.match(text, '1 did not run')
})

test('a row without a time is told among those who were left out', () => {
  const { absent } = saved({ ...GOOD, rows: [row('codec/movies', 'late', null)], absent: [] })
  assert.equal(absent, [{ case: 'codec/movies', name: 'late', why: 'no time of both' }])
})

const scales: readonly [values: number[], ticks: number[]][] = [
  [
    [100, 1e6],
    [100, 1e3, 1e4, 1e5, 1e6],
  ],
  [
    [30, 300],
    [50, 100, 200],
  ],
  [
    [1, 1],
    [0.5, 1, 2],
  ],
]
for (const [values, ticks] of scales) {
  test(`a logarithmic axis over ${values.join(' to ')} has ticks at ${ticks.join(', ')}`, () => {
    const scale = new LogScale(values)
    assert.equal(scale.ticks(), ticks)
    for (const tick of ticks) assert.ok(scale.place(tick) >= -1e-9 && scale.place(tick) <= 1 + 1e-9)
  })
}

test('points lie where their sizes and times are', () => {
  const [chart] = all(pageOf(GOOD), 'svg', 'growth')
  const points = all(chart!, 'svg', 'mark-of').map(
    ({ attributes: { x, y } }) => [percent(x), Number(y)] as const,
  )
  const [ours, theirs] = [points.slice(0, 2), points.slice(2)]
  assert.is(ours[0]![1], ours[1]![1])
  assert.ok(Math.abs(theirs[1]![0] - (theirs[0]![0] + theirs[2]![0]) / 2) < 0.02)
  assert.ok(Math.abs(theirs[1]![1] - (theirs[0]![1] + theirs[2]![1]) / 2) < 0.2)
})

const ratios: readonly [ratio: number, text: string][] = [
  [1, '1.00x'],
  [0.999, '0.99x'],
  [1.15, '1.15x'],
  [0.004, '0.004x'],
  [12.34, '12.3x'],
  [1234, '1,234x'],
  [Number.NaN, '–'],
]
for (const [ratio, text] of ratios) test(`${ratio} is ${text}`, () => assert.is(times(ratio), text))

const wrong: readonly [name: string, json: unknown][] = [
  ['nothing', null],
  ['a list', []],
  ['rows alone', { rows: [] }],
  ['a contestant that nobody knows', { ...GOOD, rows: [row('codec/movies', 'ghost', 5)] }],
]
for (const [name, json] of wrong) {
  test(`${name} is no file of results`, () => {
    assert.throws(
      () => checked(json, 'FILE'),
      (error: unknown) => error instanceof TypeError && /FILE/.test(error.message),
    )
  })
}

test('a file that is not there, or no JSON, says so', async () => {
  for (const path of ['nowhere.json', 'README.md']) {
    const error = await readResults(new URL(path, root).pathname).catch(error => error)
    assert.instance(error, TypeError)
    assert.match(error.message, path)
  }
})

test('what was written is drawn as it was', async () => {
  const first = await drawn(saved(GOOD))
  const again = await drawn(checked(JSON.parse(first.get('results.json')!), 'FILE'))
  assert.equal([...again], [...first])
  assert.is(written(saved(GOOD)), first.get('results.json'))
})

test('bench/report is what npm run bench:report -- bench/report/results.json writes', async () => {
  const folder = new URL('bench/report/', root)
  const files = await drawn(await readResults(new URL('results.json', folder).pathname))
  for (const [name, text] of files) assert.ok(readFileSync(new URL(name, folder), 'utf8') === text, name)
})

test.run()
