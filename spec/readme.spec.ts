/** The README's TypeScript snippets compile as strictly as the project does, run, and print what their comments say. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { format } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { canEval } from './eval.js'
import { python } from './pickle/python.js'

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

/** Piscina loads what its threads run by code from strings. */
const needsEval = (code: string): boolean => code.includes("from 'piscina'")

/** A snippet may start a Python that has numpy. */
const needsPython = (code: string): boolean => code.includes("'python3'")
if (python === undefined)
  console.log('SKIP: no Python with numpy, so the snippet that starts one does not run')
else process.env.PYTHON = python
const mayPython = python !== undefined || process.env.CI === 'true'

for (const [i, code] of snippets.entries()) {
  const runs = (canEval() || !needsEval(code)) && (mayPython || !needsPython(code)) ? test : test.skip
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
