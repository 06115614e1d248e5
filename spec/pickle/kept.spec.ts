/** Objects of Python that are kept arrive there as what they were, whatever protocol they came in. */
import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type PythonName, PythonObject, pickleFormat } from '../../src/formats/pickle/index.js'
import { decode, encode } from '../../src/index.js'
import { python } from './python.js'
import { scriptPath } from './script.js'

interface Row {
  readonly name: string
  readonly protocol: number
  readonly meta: string
}

const NAMES =
  'Int Str Float Bytes Tuple List Dict Fields Outer Outer.Inner Outer.Inner.Innermost Slots both Keywords'
const format = pickleFormat({
  globals: {
    ...Object.fromEntries(NAMES.split(' ').map(name => [`kept.${name}`, true] as const)),
    'functools.partial': true,
  },
})

function ask(operation: 'write' | 'read' | 'names', lines: readonly object[] = []): unknown[] {
  const { stdout, stderr, status } = spawnSync(python!, [scriptPath('pickle_objects.py'), operation], {
    input: lines.map(line => `${JSON.stringify(line)}\n`).join(''),
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
}

const test = suite('pickle: kept objects')

if (python === undefined) {
  console.log('SKIP: no Python with numpy, so none sends objects')
  test('there is one, or nobody minds', () =>
    assert.is.not(process.env.CI, 'true', 'apt-get install python3-numpy'))
} else {
  const rows = ask('write') as Row[]
  const values = rows.map(
    ({ meta }) =>
      () =>
        decode({ meta: Buffer.from(meta, 'base64'), buffers: [] }, { format }),
  )
  const sent = new Set(rows.map(({ name }) => name))
  const backs = rows.map(({ name }, i) => {
    try {
      const { meta } = encode(values[i]!(), { format, threshold: Number.POSITIVE_INFINITY })
      return { name, meta: Buffer.from(meta).toString('base64') }
    } catch {
      // Its own test says why.
      return { name, meta: '' }
    }
  })
  const verdicts = ask('read', backs)
  for (const [i, { name, protocol }] of rows.entries()) {
    test(`${name}, protocol ${protocol}`, () => {
      encode(values[i]!(), { format })
      assert.is(verdicts[i], null)
    })
  }

  test('keyword arguments of __new__ are those of a class, in protocols 2 and 3 as well', () => {
    const create = (...args: unknown[]) => ({ args })
    const own = pickleFormat({ globals: { 'kept.Keywords': { create, setState: () => {} } } })
    for (const { name, protocol, meta } of rows) {
      if (name !== 'keyword arguments' || protocol < 2) continue
      const made = decode({ meta: Buffer.from(meta, 'base64'), buffers: [] }, { format: own })
      assert.equal(made, { args: [1, 'x', { y: [2] }] }, `protocol ${protocol}`)
    }
  })

  test('names of Python 2 are those of Python 3, all that the one here knows', () => {
    for (const [module, name, ...moved] of ask('names') as string[][]) {
      const format = pickleFormat({ globals: { [moved.join('.')]: true } })
      const meta = Buffer.from(`c${module}\n${name}\n.`)
      const { name: found } = decode<PythonName>({ meta, buffers: [] }, { format })
      assert.is(found, moved.join('.'), `${module}.${name}`)
    }
  })

  test('every kind was sent', () => assert.ok(sent.size >= 20, `${sent.size}`))

  test('bytes in an object are in band: out of band they would be something else', () => {
    for (const [i, { name }] of rows.entries()) {
      if (name !== 'bytes in fields') continue
      assert.equal(encode(values[i]!(), { format, threshold: 0 }).buffers, [])
    }
  })

  test('elsewhere the same tuple is a list', () => {
    for (const [i, { name }] of rows.entries()) {
      if (name !== 'a tuple that is elsewhere first') continue
      const [pair, object] = values[i]!() as [unknown[], PythonObject]
      assert.is((object.state as { x: unknown }).x, pair)
    }
  })

  test('classes of values are sent back whole: a subclass of int has its number', () => {
    for (const [i, { name }] of rows.entries()) {
      if (name !== 'a subclass of int') continue
      const kept = values[i]!()
      assert.instance(kept, PythonObject)
      assert.equal((kept as PythonObject).args, [5])
    }
  })
}

test.run()
