import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { codeOf, importsOf, packageOf, withoutComments } from './imports.js'

/** Bottom first. A file may import its own row and the rows above it in this list. */
const layers = [
  ['brand', 'errors', 'limits', 'dispose', 'fifo'],
  ['bytes'],
  ['packet', 'registry', 'out-of-band', 'wire'],
  ['value'],
  ['encode', 'decode', 'formats', 'frame'],
  ['codec'],
  ['index'],
  ['memory'],
  ['carriers'],
  ['hosts'],
  ['channel'],
  ['connection'],
  ['port', 'process', 'ring', 'shm', 'socket', 'websocket', 'streams', 'file'],
  ['adapters', 'types', 'cli'],
]

/** Mirrors and alternatives: on one row, yet none may see another. */
const strangers = new Set(['encode', 'decode', 'formats', 'frame'])

/** Carriers move packets and never see a value; only the channel sees both. */
const valueBlind = new Set(['frame', 'memory', 'carriers'])
const valueSide = new Set(['registry', 'value', 'encode', 'decode', 'formats', 'codec', 'index'])

/** What runs in browsers too. */
const portable = new Set([
  'brand',
  'errors',
  'limits',
  'dispose',
  'fifo',
  'bytes',
  'packet',
  'registry',
  'out-of-band',
  'wire',
  'value',
  'encode',
  'decode',
  'frame',
  'codec',
  'index',
  'hosts',
  'channel',
  'connection',
  'port',
  'ring',
  'streams',
  'websocket',
])
const portableFiles =
  /^(?:carriers\/(?:[^/]+\.ts|port\/|ring\/|stream\/|websocket\/)|memory\/ring\.ts|formats\/(?:format\.ts|pickle\/))/

interface Source {
  /** 'encode/views.ts' */
  readonly path: string
  /** The folder or file right under src: 'encode'. */
  readonly unit: string
  readonly text: string
  readonly imports: readonly { to: string; isType: boolean }[]
  readonly packages: readonly string[]
}

const root = new URL('../../', import.meta.url)

function filesUnder(folder: string): string[] {
  return readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .map(path => path.replaceAll('\\', '/'))
    .filter(path => path.endsWith('.ts'))
    .sort()
}

const unitOf = (path: string): string => path.split('/')[0]!.replace(/\.ts$/, '')
const rankOf = (unit: string): number => layers.findIndex(layer => layer.includes(unit))

const sources: Source[] = filesUnder('src/').map(path => {
  const text = readFileSync(new URL(`src/${path}`, root), 'utf8')
  const imports = importsOf(text)
  return {
    path,
    unit: unitOf(path),
    text,
    imports: imports
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier, isType }) => ({
        to: posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts'),
        isType,
      })),
    packages: imports.map(({ specifier }) => packageOf(specifier)).filter(name => name !== undefined),
  }
})

const isPortable = ({ unit, path }: Source): boolean => portable.has(unit) || portableFiles.test(path)

/** Every import of src as 'from -> to' that breaks a rule. */
function offences(breaks: (from: Source, to: string) => boolean): string[] {
  return sources.flatMap(from =>
    from.imports.filter(({ to }) => breaks(from, to)).map(({ to }) => `${from.path} -> ${to}`),
  )
}

const test = suite('layers: imports')

test('every file under src has a layer', () => {
  assert.ok(sources.length > 0)
  assert.equal(
    sources.filter(({ unit }) => rankOf(unit) < 0).map(({ path }) => path),
    [],
  )
})

test('every relative import names a file of src', () => {
  const known = new Set(sources.map(({ path }) => path))
  assert.equal(
    offences((_, to) => !known.has(to)),
    [],
  )
})

test('imports point down', () => {
  assert.equal(
    offences((from, to) => rankOf(unitOf(to)) > rankOf(from.unit)),
    [],
  )
})

test('encode, decode, formats and frame do not see each other', () => {
  assert.equal(
    offences((from, to) => strangers.has(from.unit) && strangers.has(unitOf(to)) && unitOf(to) !== from.unit),
    [],
  )
})

test('what moves packets never sees a value', () => {
  assert.equal(
    offences((from, to) => valueBlind.has(from.unit) && valueSide.has(unitOf(to))),
    [],
  )
})

test('no cycles among the imports that remain after compilation', () => {
  const bySource = new Map(sources.map(source => [source.path, source]))
  const done = new Set<string>()
  const walk = (path: string, trail: string[]): void => {
    assert.not.ok(trail.includes(path), [...trail, path].join(' -> '))
    if (done.has(path)) return
    for (const { to, isType } of bySource.get(path)?.imports ?? []) if (!isType) walk(to, [...trail, path])
    done.add(path)
  }
  for (const { path } of sources) walk(path, [])
})

test('each dependency enters by exactly one file', () => {
  const doors = new Map<string, Set<string>>()
  for (const { path, packages } of sources) {
    for (const name of packages) doors.set(name, (doors.get(name) ?? new Set()).add(path))
  }
  assert.equal(
    [...doors].filter(([, paths]) => paths.size > 1).map(([name, paths]) => [name, ...paths]),
    [],
  )
})

test('the core has no dependency and imports nothing of Node', () => {
  const core = sources.filter(isPortable)
  const foreign = core.flatMap(({ path, text }) =>
    importsOf(text)
      .filter(({ specifier }) => !specifier.startsWith('.'))
      .map(({ specifier }) => `${path} -> ${specifier}`),
  )
  assert.equal(foreign, [])
})

test('the core touches Buffer in one file under bytes, after a check, and no other global of Node', () => {
  const core = sources.filter(isPortable).map(({ path, text }) => ({ path, code: codeOf(text) }))
  const touching = core.filter(({ code }) => /(?<![\w$])Buffer\b/.test(code))
  assert.ok(touching.length <= 1, touching.map(({ path }) => path).join())
  for (const { path, code } of touching) {
    assert.match(path, /^bytes\//)
    assert.match(code, /typeof Buffer\b|globalThis\b/)
  }
  const nodeOnly = /(?<![.\w$])(?:process|require|global|setImmediate|__dirname|__filename)\b(?!\?[:(]|:)/
  assert.equal(
    core.filter(({ code }) => nodeOnly.test(code)).map(({ path }) => path),
    [],
  )
})

// V8 calls its runtime for each use of one, also in optimised code: three of them were a sixth of a small call over a ring.
test('no getter is private: a method does the same', () => {
  assert.equal(
    sources.filter(({ text }) => /\bget #\w+\(/.test(codeOf(text))).map(({ path }) => path),
    [],
  )
})

test.run()

const specs = suite('layers: specs')

for (const path of filesUnder('spec/').filter(path => path.endsWith('.spec.ts'))) {
  specs(`${path} runs every suite it declares`, () => {
    const code = codeOf(readFileSync(new URL(`spec/${path}`, root), 'utf8'))
    const names = [...code.matchAll(/\b(?:const|let)\s+(\w+)\s*=\s*suite\b/g)].map(match => match[1]!)
    if (/\bimport\s*\{[^}]*\btest\b[^}]*\}/.test(code)) names.push('test')
    assert.ok(names.length > 0, 'no suite')
    assert.is(
      code.match(/(?<![.\w$])suite\s*[(<]/g)?.length ?? 0,
      names.filter(name => code.includes(`${name} = suite`)).length,
      'a suite without a name',
    )
    for (const name of names)
      assert.match(code, new RegExp(`^\\s*${name}\\.run\\(\\)`, 'm'), `${name}.run() is missing`)
  })
}

specs.run()

const scanner = suite('layers: the scanner')

const statements: [text: string, imports: [specifier: string, isType: boolean][]][] = [
  ["import { a, b as c } from './x.js'", [['./x.js', false]]],
  ["import type { A } from './x.js'", [['./x.js', true]]],
  ["import { type A } from './x.js'", [['./x.js', false]]],
  ["import a, * as b from '@scope/x/y'", [['@scope/x/y', false]]],
  ["import {\n  a,\n  b,\n} from './x.js'", [['./x.js', false]]],
  ["import './x.js'", [['./x.js', false]]],
  ["export * from './x.js'", [['./x.js', false]]],
  ["export type { A } from './x.js'", [['./x.js', true]]],
  ["const a = await import('./x.js')", [['./x.js', false]]],
  ["// import './x.js'\n/* import './y.js' */", []],
  ["export const a = Array.from('x')", []],
  ["export function from() {\n  return 'x'\n}", []],
]
for (const [text, imports] of statements) {
  scanner(JSON.stringify(text), () => {
    assert.equal(
      importsOf(text).map(({ specifier, isType }) => [specifier, isType]),
      imports,
    )
  })
}

scanner('comments go, strings that look like comments stay', () => {
  assert.is(withoutComments("a('//') // b\nc(`/* d */`) /* e */"), "a('//') \nc(`/* d */`) ")
  assert.is(codeOf("a('Buffer') // Buffer"), "a('') ")
})

scanner.run()
