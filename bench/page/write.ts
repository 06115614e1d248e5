/**
 * `npm run bench:report -- RESULTS.json [--out DIR]`: draws the results that `npm run bench -- --json RESULTS.json` wrote. DIR is
 * `bench/report` if not said, and gets the page, the pictures of the README, and the results themselves, so that anyone can
 * draw them again. Not to be confused with `../report.ts`, which prints tables to a terminal.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { page } from './page.js'
import { pictures } from './pictures.js'
import { readResults, type Saved, written } from './results.js'

const ROOT = new URL('../../../', import.meta.url)
const OUT = fileURLToPath(new URL('bench/report', ROOT))
const USAGE = 'usage: npm run bench:report -- RESULTS.json [--out DIR]'

/** What belongs into the folder, by name. */
export async function drawn(saved: Saved): Promise<ReadonlyMap<string, string>> {
  const style = await readFile(new URL('bench/page/page.css', ROOT), 'utf8')
  return new Map([['index.html', page(saved, style)], ['results.json', written(saved)], ...pictures(saved)])
}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { out: { type: 'string', default: OUT } },
    allowPositionals: true,
  })
  const [path] = positionals
  if (path === undefined || positionals.length > 1) throw new TypeError('wanted one file of results')
  // npm runs scripts in the package's folder, and says where the user was.
  const from = process.env.INIT_CWD ?? process.cwd()
  const files = await drawn(await readResults(resolve(from, path)))
  const folder = resolve(from, values.out)
  await mkdir(folder, { recursive: true })
  for (const [name, text] of files) await writeFile(join(folder, name), text)
  console.log(`${folder}: ${[...files.keys()].join(', ')}`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(process.argv.slice(2)).catch(error => {
    if (!(error instanceof TypeError)) throw error
    console.error(`${error.message}\n\n${USAGE}`)
    process.exitCode = 2
  })
}
