/** Objects of Python that are kept arrive there as what they were, whatever protocol they came in. */
import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  NDArray,
  type PythonName,
  PythonObject,
  pickle,
  pickleFormat,
} from '../../src/formats/pickle/index.js'
import { decode, encode } from '../../src/index.js'
import { difference } from '../same.js'
import { refused } from '../thrown.js'
import { python } from './python.js'
import { scriptPath } from './script.js'

interface Row {
  readonly name: string
  readonly protocol: number
  readonly meta: string
}

const NAMES =
  'Int Str Float Bytes Tuple List Dict Fields Outer Outer.Inner Outer.Inner.Innermost Slots both Keywords Sum Pair Vector Labelled Measured'
const format = pickleFormat({
  globals: {
    ...Object.fromEntries(NAMES.split(' ').map(name => [`kept.${name}`, true] as const)),
    'functools.partial': true,
    'numpy.matrix': true,
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

  const floats = Float64Array.of(0, 1, 2)
  for (const [kind, args, state] of [
    ['a named tuple', [1, [2]]],
    ['a subclass of int', [5]],
    ['a subclass of ndarray', [floats]],
    ['a subclass of ndarray with more in its state', [floats], ['x', 1]],
    ['a subclass of ndarray with fields', [floats], { unit: 'm' }],
    ['a matrix', [new NDArray(BigInt64Array.of(1n, 2n, 3n, 4n), [2, 2])]],
  ] as const) {
    test(`a function gets the same in all protocols: ${kind}`, () => {
      const create = (...args: unknown[]): object => ({ args })
      const setState = (object: object, state: unknown) => void Object.assign(object, { state })
      const names = [...NAMES.split(' ').map(name => `kept.${name}`), 'numpy.matrix']
      const globals = Object.fromEntries(names.map(name => [name, { create, setState }]))
      const wanted = state === undefined ? { args } : { args, state }
      let protocols = 0
      for (const { name, protocol, meta } of rows) {
        if (name !== kind) continue
        protocols++
        const made = decode(
          { meta: Buffer.from(meta, 'base64'), buffers: [] },
          { format: pickleFormat({ globals }) },
        )
        assert.is(difference(wanted, made), undefined, `protocol ${protocol}`)
      }
      assert.is(protocols, 6)
    })
  }

  test('what is kept is kept again: an object made by a base of its class', () => {
    for (const [i, { name, protocol }] of rows.entries()) {
      if (!/int|ndarray|named/.test(name)) continue
      const kept = values[i]!()
      assert.is(
        difference(kept, decode(encode(kept, { format }), { format })),
        undefined,
        `${name}, protocol ${protocol}`,
      )
    }
  })

  test('without a list a subclass of ndarray is unknown, one of numpy an array', () => {
    for (const { name, meta } of rows) {
      const read = () => decode({ meta: Buffer.from(meta, 'base64'), buffers: [] }, { format: pickle })
      if (name === 'a matrix') assert.instance(read(), NDArray)
      if (name === 'a subclass of ndarray') refused(read, 'UNKNOWN_TYPE', { tag: 'kept.Vector' })
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
