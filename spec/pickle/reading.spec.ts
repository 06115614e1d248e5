/** What Python wrote is read, value by value: recorded pickles of several versions, and those of the Python that is here. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { pickle } from '../../src/formats/pickle/index.js'
import { decode, encode } from '../../src/index.js'
import { type Corpus, live, recorded } from './corpus.js'
import { describe } from './describe.js'

function check({ name, python, numpy, rows }: Corpus): void {
  const test = suite(`pickle reading: ${name}, CPython ${python}${numpy ? `, numpy ${numpy}` : ''}`)
  for (const { name, protocol, meta, buffers, value } of rows) {
    const title = `${name}, protocol ${protocol}${buffers ? ', out of band' : ''}`
    for (const limits of ['trusted', 'untrusted'] as const) {
      test(`${title}, ${limits}`, () => {
        const got = decode({ meta, buffers: buffers ?? [] }, { format: pickle, limits })
        assert.equal(describe(got, value), value)
        const back = decode(encode(got, { format: pickle, limits }), { format: pickle, limits })
        assert.equal(describe(back, value), value, 'sent back')
      })
    }
  }
  test.run()
}

for (const corpus of recorded) check(corpus)

const here = live()
if (here !== undefined) check(here)
else {
  console.log('SKIP: no Python with numpy, so only recorded pickles are read')
  const none = suite('pickle reading: no Python')
  none('there is one, or nobody minds', () =>
    assert.is.not(process.env.CI, 'true', 'apt-get install python3-numpy'),
  )
  none.run()
}
