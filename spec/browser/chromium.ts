/** The browser that the specs drive: an installed one, since nothing is downloaded. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

function found(): string | undefined {
  const { CHROMIUM, PATH = '' } = process.env
  if (CHROMIUM !== undefined && CHROMIUM !== '') return CHROMIUM
  const folders = ['/usr/bin', ...PATH.split(delimiter)]
  return NAMES.flatMap(name => folders.map(folder => join(folder, name))).find(path => existsSync(path))
}

export interface Launch {
  readonly browser: Browser | undefined
  /** A test of its own where there is no browser. @throws Error where `CI` is true: nobody reads its SKIP lines */
  readonly excuse: () => void
}

/** A browser, or nothing after a line that says so. */
export async function launch(): Promise<Launch> {
  const executablePath = found()
  let reason = `chromium is not installed: looked for $CHROMIUM, /usr/bin and PATH: ${NAMES.join(', ')}`
  try {
    if (executablePath !== undefined) {
      // Root of a container has no sandbox to enter.
      const args = ['--no-sandbox', '--disable-gpu']
      const browser = await chromium.launch({ executablePath, args, timeout: 120_000 })
      return { browser, excuse: () => {} }
    }
  } catch (error) {
    reason = `chromium does not start: ${(error as Error).message}`
  }
  console.log(`SKIP: ${reason}`)
  const excuse = () => {
    if (process.env.CI === 'true') throw new Error(reason)
  }
  return { browser: undefined, excuse }
}
