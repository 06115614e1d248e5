/**
 * `npm run test:browsers -- [NAME …]`: the checks of `page/` in browsers that nobody drives: each is started with an address, and its
 * page posts what became of its checks. NAME is one of `BROWSERS`; without one, all that are installed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Page, pathOf } from './bundle.js'
import { serveChecks } from './checks-site.js'
import { type Outcome, REPORTS, type Report } from './page/checks.js'

const PATIENCE_MS = 400_000
const MINI_BROWSER = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser'

interface Browser {
  readonly path: string
  /** Debian: what to install. */
  readonly packages: string
  /** The command that opens an address; `folder` is empty, and gone afterwards. */
  readonly open: (url: string, folder: string) => readonly string[]
}

const BROWSERS: Readonly<Record<string, Browser>> = {
  firefox: {
    path: '/usr/bin/firefox-esr',
    packages: 'firefox-esr',
    open: (url, folder) => ['/usr/bin/firefox-esr', '--headless', '--no-remote', '--profile', folder, url],
  },
  webkit: {
    path: MINI_BROWSER,
    packages: 'webkit2gtk-driver xvfb xauth',
    open: url => ['xvfb-run', '-a', MINI_BROWSER, url],
  },
}

const PAGES: readonly Page[] = [
  { name: 'isolated', isIsolated: true, form: 'modules', workers: 'modules' },
  { name: 'not isolated', isIsolated: false, form: 'modules', workers: 'minified' },
]

const asked = process.argv.slice(2)
const names = asked.length > 0 ? asked : Object.keys(BROWSERS)
for (const name of names) {
  const browser = BROWSERS[name]
  if (browser === undefined)
    throw new Error(`no browser ${name}; there are ${Object.keys(BROWSERS).join(', ')}`)
  if (!existsSync(browser.path)) {
    console.log(`SKIP: ${name} is not installed (Debian: ${browser.packages})`)
    if (asked.length > 0) process.exitCode = 1
    continue
  }
  for (const page of PAGES) {
    const isGood = tell(`${name}, ${page.name}`, await visit(browser, page))
    if (!isGood) process.exitCode = 1
  }
}

interface Visit {
  readonly outcomes: readonly Outcome[]
  /** Where the page stopped; undefined when it came to its end. */
  readonly stuck: string | undefined
}

async function visit({ open }: Browser, page: Page): Promise<Visit> {
  const outcomes: Outcome[] = []
  let last = 'its start'
  let end = () => {}
  const ended = new Promise<void>(resolve => {
    end = resolve
  })
  const take = (body: string) => {
    const report = JSON.parse(body) as Report
    outcomes.push(...report.outcomes)
    last = report.runs ?? last
    if (report.isDone) {
      last = ''
      end()
    }
  }
  const site = await serveChecks([page], {}, { [REPORTS]: take })
  const folder = mkdtempSync(join(tmpdir(), 'outband-browser-'))
  const [command = '', ...args] = open(
    `http://localhost:${site.port}${pathOf(page)}page.html?reports`,
    folder,
  )
  const env = {
    ...process.env,
    HOME: folder,
    // Root of a container has no sandbox to enter, and a virtual screen no graphics.
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
    WEBKIT_DISABLE_COMPOSITING_MODE: '1',
  }
  const child = spawn(command, args, { stdio: 'ignore', env, detached: true })
  const timer = setTimeout(end, PATIENCE_MS)
  child.once('exit', end).once('error', end)
  await ended
  clearTimeout(timer)
  await kill(child)
  site.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  return { outcomes, stuck: last || undefined }
}

/** With all that it started. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return
  const exited = new Promise(resolve => child.once('exit', resolve))
  process.kill(-child.pid, 'SIGKILL')
  await exited
}

function tell(where: string, { outcomes, stuck }: Visit): boolean {
  const bad = outcomes.filter(({ error }) => error !== undefined)
  const skipped = outcomes.filter(({ skipped }) => skipped !== undefined)
  for (const { suite, name, error } of bad) console.log(`FAIL  ${where}: ${suite}: ${name}\n${error}`)
  for (const reason of new Set(skipped.map(({ skipped }) => skipped)))
    console.log(
      `SKIP: ${where}: ${skipped.filter(({ skipped }) => skipped === reason).length} checks: ${reason}`,
    )
  if (stuck !== undefined)
    console.log(`FAIL  ${where}: the page did not come to its end; it stopped after ${stuck}`)
  console.log(`${where}: ${outcomes.length} checks, ${bad.length} failed, ${skipped.length} skipped`)
  return bad.length === 0 && stuck === undefined
}
