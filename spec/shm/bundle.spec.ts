/** Programs in one file, as bundlers make them of a server: memory is shared, mapped, and nothing of it is left there too. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build } from 'esbuild'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { areGone, eventually, isLinux } from './kit.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Says what it has made, and lives until it is killed. */
const PROGRAM = `
import { dump, load } from 'outband/file'
import { connectShared, memoryOf, serveShared, SharedMemory } from 'outband/shm'

async function main([folder]) {
  const names = [undefined, 'bundle-' + process.pid].map(name => SharedMemory.create({ size: 64, name }).name)
  await dump(folder + '/mapped', new Uint8Array(10_000).fill(7), { sync: false })
  const mapped = await load(folder + '/mapped', { mmap: 'private' })
  const path = folder + '/socket'
  const server = await serveShared(path, () => {})
  const isJoined = await memoryOf(await connectShared(path)).joined
  console.log(JSON.stringify({ names, last: mapped[9999], isJoined }))
}
void main(process.argv.slice(2))
`

const test = suite('shm: bundles')
const row = isLinux ? test : test.skip

/** What webpack does: where a module was is written down, and of `createRequire`, imported by its name, nothing is left. */
const likeWebpack: BuildOptions = {
  define: { 'import.meta.url': '"file:///where/it/was/made.js"' },
  plugins: [
    {
      name: 'webpack',
      setup: ({ onLoad }) =>
        onLoad({ filter: /dist.src.*\.js$/ }, ({ path }) => ({
          contents: readFileSync(path, 'utf8').replace(
            /import \{ createRequire \} from .*/,
            'const createRequire = void 0',
          ),
        })),
    },
  ],
}

const forms: [name: string, form: 'cjs' | 'esm', flags: string[], options?: BuildOptions][] = [
  ['cjs', 'cjs', []],
  ['esm', 'esm', []],
  ['cjs, without code from strings', 'cjs', ['--disallow-code-generation-from-strings']],
  ['cjs, as webpack makes it', 'cjs', [], likeWebpack],
  ['esm, as webpack makes it', 'esm', [], likeWebpack],
]
for (const [name, format, flags, options] of forms) {
  row(`${name}: memory is shared and mapped, and a killed owner leaves nothing`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'outband-bundle-'))
    try {
      const outfile = join(folder, format === 'cjs' ? 'program.cjs' : 'program.mjs')
      const stdin = { contents: PROGRAM, resolveDir: root }
      await build({
        bundle: true,
        platform: 'node',
        format,
        external: ['koffi'],
        logLevel: 'error',
        stdin,
        outfile,
        ...options,
      })
      symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
      // From elsewhere: packages are found from the bundle's place.
      const child = spawn(process.execPath, [...flags, outfile, folder], {
        cwd: '/',
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const over = once(child, 'close')
      const [line] = await Promise.race([
        once(createInterface({ input: child.stdout }), 'line'),
        over.then(([code]) => assert.unreachable(`ended with ${code}`) as never),
      ])
      const { names, last, isJoined } = JSON.parse(line)
      assert.equal([last, isJoined], [7, true])
      assert.not.ok(areGone(names))
      child.kill('SIGKILL')
      await over
      await eventually('the segments are gone', () => areGone(names))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

test.run()
