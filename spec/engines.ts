/**
 * `npm run test:engines -- [--pattern REGEX] VERSION …`: the suite on other versions of Node, 22, 24 and 25 if none is said.
 * Each is the package `node` of the npm registry, in a folder of its own that is gone afterwards.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const VERSIONS = ['22', '24', '25']
const runner = fileURLToPath(new URL('run.js', import.meta.url))

const { values, positionals } = parseArgs({
  options: { pattern: { type: 'string', default: '' } },
  allowPositionals: true,
})

for (const version of positionals.length > 0 ? positionals : VERSIONS) {
  const folder = mkdtempSync(join(tmpdir(), 'outband-engine-'))
  try {
    writeFileSync(join(folder, 'package.json'), '{}')
    const bin = join(folder, 'node_modules', 'node', 'bin')
    if (!run('npm', ['install', '--no-audit', '--no-fund', '--silent', `node@${version}`], folder)) {
      fail(`node@${version} could not be installed`)
      continue
    }
    // First in the PATH, for children that are started by name.
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` }
    run(join(bin, 'node'), ['--version'], folder, env)
    if (!run(join(bin, 'node'), [runner, '--all', values.pattern], process.cwd(), env))
      fail(`not good on ${version}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(command: string, args: readonly string[], cwd: string, env = process.env): boolean {
  return spawnSync(command, args, { cwd, env, stdio: 'inherit' }).status === 0
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}
