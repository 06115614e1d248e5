/** The README's TypeScript snippets compile as strictly as the project does, run, and print what their comments say. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { format } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hasNats, type NatsServer, startNats } from './brokers/nats-server.js'
import { canEval } from './eval.js'
import { pythonWith } from './pickle/python.js'

const root = new URL('../../', import.meta.url)
const folder = new URL('dist/readme/', root)
const path = (name: string, base = folder): string => fileURLToPath(new URL(name, base))

const readme = readFileSync(new URL('README.md', root), 'utf8')
const snippets = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!)

/** What the `console.log(…) // …` lines of a snippet promise, in order. */
const promised = (code: string): string[] =>
  [...code.matchAll(/console\.log\(.*\) \/\/ (.*)/g)].map(([, text]) => text!)

const test = suite('readme: snippets')

test.before(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [i, code] of snippets.entries()) writeFileSync(path(`snippet${i}.ts`), code)
  const config = {
    extends: '../../tsconfig.json',
    // Stricter than the project is: a reader may have it on.
    compilerOptions: { rootDir: '.', outDir: 'out', noUncheckedIndexedAccess: true },
    include: ['*.ts'],
  }
  writeFileSync(path('tsconfig.json'), JSON.stringify(config))
})

test('there are snippets, and each prints something', () => {
  assert.ok(snippets.length >= 4)
  for (const code of snippets) assert.ok(promised(code).length > 0, code)
})

test('they compile', () => {
  const tsc = path('node_modules/typescript/bin/tsc', root)
  try {
    execFileSync(process.execPath, [tsc, '-p', path('tsconfig.json')], { encoding: 'utf8' })
  } catch (error) {
    assert.unreachable((error as { stdout: string }).stdout)
  }
})

const zmqPython = pythonWith('zmq')
const python = zmqPython ?? pythonWith()
if (python !== undefined) process.env.PYTHON = python
const isCI = process.env.CI === 'true'

/** What some snippets need that may be missing, and whether they can be run all the same. */
const needs: readonly [part: string, isThere: boolean][] = [
  // It loads what its threads run by code from strings.
  ["from 'piscina'", canEval()],
  ["'python3'", isCI || python !== undefined],
  [', zmq', isCI || zmqPython !== undefined],
  ['NATS_URL', hasNats],
]
for (const [part, isThere] of needs) {
  if (!isThere) console.log(`SKIP: the snippets with ${part}`)
}

let server: NatsServer | undefined
test.before(async () => {
  if (!hasNats) return
  server = await startNats()
  process.env.NATS_URL = server.url
})
test.after(() => server?.stop())

for (const [i, code] of snippets.entries()) {
  const runs = needs.every(([part, isThere]) => isThere || !code.includes(part)) ? test : test.skip
  runs(`snippet ${i + 1} prints what it says`, async () => {
    const printed: string[] = []
    const { log } = console
    console.log = (...args: unknown[]) => printed.push(format(...args))
    try {
      await import(pathToFileURL(path(`out/snippet${i}.js`)).href)
    } finally {
      console.log = log
    }
    assert.equal(printed, promised(code))
  })
}

test.run()
