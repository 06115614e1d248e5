/**
 * `npm run test:peers -- [--latest] [REGEX]`: the suite, or specs of it, with the oldest versions that `peerDependencies` allow, or
 * with the latest that the registry has. It runs in a copy of the project, whose own packages stay as they are.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  options: { latest: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const project = fileURLToPath(new URL('../../', import.meta.url))
const { peerDependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
  peerDependencies: Record<string, string>
}
const versions = Object.entries(peerDependencies).map(
  ([name, range]) => `${name}@${values.latest ? 'latest' : range.replace(/^>=/, '')}`,
)

const copy = mkdtempSync(join(tmpdir(), 'outband-peers-'))
try {
  const own = new Set(['.git', 'node_modules'])
  cpSync(project, copy, { recursive: true, filter: path => !own.has(basename(path)) })
  run('npm', ['ci', '--silent'])
  run('npm', ['install', '--no-save', '--silent', ...versions])
  console.log(versions.join('  '))
  run(process.execPath, [join(copy, 'dist/spec/run.js'), '--all', ...positionals])
} finally {
  rmSync(copy, { recursive: true, force: true })
}

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { cwd: copy, stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
