/** The page of `npm run bench:browser`: it loads, measures a workload of each kind and draws what it found. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { serveBench } from '../../bench/browser/site.js'
import { canEval } from '../eval.js'
import { launch } from './chromium.js'

/** What a page shows after a run. */
interface Shown {
  readonly status: string
  readonly ratio: string
  readonly bars: number
  readonly frames: number
  readonly numbers: readonly string[]
}

const SHOWN = `({
  status: document.getElementById('status').textContent,
  ratio: document.getElementById('ratio').textContent,
  bars: document.querySelectorAll('#time rect').length,
  frames: document.querySelectorAll('#frames rect').length,
  numbers: [...document.querySelectorAll('#table td')].map(cell => cell.textContent),
})`
const LIMIT = { timeout: 120_000 }

const RUNS = [
  ['/', 'records', 'copy'],
  ['/plain/', 'tensor-64KiB', 'transfer'],
] as const

const test = suite('browser: the page of the bench')
const { browser, excuse } = await launch()

if (browser === undefined) test('there is a browser, or nobody minds', excuse)
else if (!canEval()) {
  console.log('SKIP: the page of the bench: playwright makes code from strings to look into a page')
  await browser.close()
  test('its driver needs code from strings', () => {})
} else {
  const site = await serveBench()

  test.after(async () => {
    site.close()
    await browser.close()
  })

  for (const [path, workload, mode] of RUNS) {
    test(`${path} runs ${workload}, ${mode}, and draws its numbers`, async () => {
      const page = await browser.newPage()
      const complaints: string[] = []
      page.on('pageerror', error => complaints.push(error.stack ?? error.message))
      await page.goto(`http://localhost:${site.port}${path}?quick`, LIMIT)
      await page.locator('#footer:not(:empty)').waitFor(LIMIT)
      await page.selectOption('#workload', workload, LIMIT)
      await page.check(`input[value="${mode}"]`, LIMIT)
      await page.click('#run', LIMIT)
      // The button rests from the click to the end.
      await page.locator('#run:enabled').waitFor(LIMIT)
      const shown = (await page.evaluate(SHOWN)) as Shown
      await page.close()
      assert.equal(complaints, [])
      assert.match(shown.status, /done\. What came back of both is equal/)
      assert.match(shown.ratio, /^outband is \d+\.\d\dx as fast as postMessage$/)
      assert.is(shown.bars, 2)
      assert.ok(shown.frames > 2, `${shown.frames} frames`)
      assert.ok(shown.numbers.length >= 14)
      for (const number of shown.numbers) assert.match(number, /\d/)
    })
  }
}

test.run()
