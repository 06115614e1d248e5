/** Runs the checks of `page/` in chromium, and reports each as a test. */
import type { Browser } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { canEval } from '../eval.js'
import { type Page, pathOf } from './bundle.js'
import { serveChecks } from './checks-site.js'
import { launch } from './chromium.js'
import { CAN_EVAL, MARK, type Outcome, type Report } from './page/checks.js'
import type { Site } from './site.js'

const PAGE_LIMIT_MS = 400_000

/** A page, and a part of the checks that it leaves out. */
interface Visited extends Page {
  readonly skips?: 'codec'
}

interface Visit {
  readonly outcomes: readonly Outcome[]
  readonly isIsolated: boolean
  /** Whether it may make code from strings. */
  readonly mayEval: boolean
  /** Errors that nobody caught, and a page that did not come to its end. */
  readonly complaints: readonly string[]
  readonly ms: number
}

async function visit(browser: Browser, url: string): Promise<Visit> {
  const start = performance.now()
  const context = await browser.newContext()
  const page = await context.newPage()
  const outcomes: Outcome[] = []
  const complaints: string[] = []
  let last = 'none'
  page.on('pageerror', error => complaints.push(error.stack ?? error.message))
  const end = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(reject, PAGE_LIMIT_MS)
    page.on('crash', reject)
    page.on('console', message => {
      const text = message.text()
      if (!text.startsWith(MARK)) return
      const report = JSON.parse(text.slice(MARK.length)) as Report
      outcomes.push(...report.outcomes)
      last = report.runs ?? last
      if (!report.isDone) return
      clearTimeout(timer)
      resolve()
    })
  })
  try {
    await Promise.all([page.goto(url, { timeout: PAGE_LIMIT_MS }), end])
  } catch {
    complaints.push(`the page did not come to its end; it stopped at, or soon after: ${last}`)
  }
  const isIsolated = (await page.evaluate('crossOriginIsolated')) as boolean
  const refusals = outcomes.filter(({ name }) => name === CAN_EVAL)
  await context.close()
  return {
    outcomes,
    isIsolated,
    mayEval: refusals[0]?.skipped === undefined,
    complaints,
    ms: performance.now() - start,
  }
}

/** A line for each reason why checks were passed over. */
function tellSkipped(where: string, outcomes: readonly Outcome[]): void {
  const byReason = new Map<string, string[]>()
  for (const { suite, name, skipped } of outcomes) {
    if (skipped !== undefined) byReason.set(skipped, [...(byReason.get(skipped) ?? []), `${suite}: ${name}`])
  }
  for (const [reason, names] of byReason) {
    console.log(`SKIP: ${where}: ${names.length} checks: ${reason}: ${names.join('; ')}`)
  }
}

function report(asked: Visited, { outcomes, complaints, ms, ...got }: Visit): void {
  const { name: where, skips, ...wanted } = asked
  const page = suite(`browser: ${where}`)

  page('the page is isolated as it asks', () => assert.is(got.isIsolated, wanted.isIsolated))

  if (skips !== 'codec') {
    page('it may make code from strings where this run of Node may', () => assert.is(got.mayEval, mayEval))
  }

  page('it comes to its end, and every error is caught', () => assert.equal(complaints, []))

  page('there is much to check', () =>
    assert.ok(outcomes.length > (skips === 'codec' ? 100 : 1000), `${outcomes.length}`),
  )

  for (const { suite, name, error, skipped } of outcomes) {
    if (skipped !== undefined) page.skip()
    else
      page(`${suite}: ${name}`, () => {
        if (error !== undefined) throw new Error(error)
      })
  }
  page.run()
  console.log(`browser: ${where}: ${outcomes.length} checks in ${(ms / 1000).toFixed(1)} s`)
}

/** Those of a run of Node that forbids code from strings are asked to do without it too. */
const mayEval = canEval()
const policy: Record<string, string> = mayEval
  ? {}
  : { 'content-security-policy': "script-src 'self' 'wasm-unsafe-eval'" }
const pages: readonly Visited[] = mayEval
  ? [{ name: 'isolated, modules', isIsolated: true, form: 'modules', workers: 'modules' }]
  : [
      // The codec knows nothing of isolation but what is shared.
      {
        name: 'not isolated, modules',
        isIsolated: false,
        form: 'modules',
        workers: 'minified',
        skips: 'codec',
      },
      { name: 'isolated, minified', isIsolated: true, form: 'minified', workers: 'minified' },
      { name: 'not isolated, minified', isIsolated: false, form: 'minified', workers: 'minified' },
    ]

/** Two at a time: what takes long is the start of workers and frames. */
async function visitAll(browser: Browser, port: number): Promise<Map<Visited, Visit>> {
  const visits = new Map<Visited, Visit>()
  const waiting = [...pages]
  const go = async () => {
    for (let page = waiting.shift(); page !== undefined; page = waiting.shift()) {
      const query = page.skips === undefined ? '' : `?skip=${page.skips}`
      visits.set(page, await visit(browser, `http://localhost:${port}${pathOf(page)}page.html${query}`))
    }
  }
  await Promise.all([go(), go()])
  return visits
}

const { browser, excuse } = await launch()
if (browser === undefined) {
  const none = suite('browser: none')
  none('there is a browser, or nobody minds', excuse)
  none.run()
} else {
  let site: Site | undefined
  try {
    site = await serveChecks(pages, policy)
    const visits = await visitAll(browser, site.port)
    for (const page of pages) {
      tellSkipped(page.name, visits.get(page)!.outcomes)
      report(page, visits.get(page)!)
    }
  } finally {
    site?.close()
    await browser.close()
  }
}
