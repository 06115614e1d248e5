/** The site of the page: its own files, the scripts made from the build, and the documents. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { BUILD, library, MINIFIED, scripts } from '../../spec/browser/bundle.js'
import { ISOLATED, type Site, serve } from '../../spec/browser/site.js'

/** From `dist/bench/browser`, where this runs. */
const SOURCES = new URL('../bench/browser/', BUILD)
const HERE = new URL('bench/browser/', BUILD)
/** Without the headers that isolate a page. */
const PLAIN = '/plain/'

/** Serves the page at `/`, isolated, and at `/plain/`. */
export async function serveBench(port = 0): Promise<Site> {
  const entries = { page: new URL('page.js', HERE), worker: new URL('worker.js', HERE) }
  const files = await scripts(
    'minified',
    entries,
    [[/\/src\/cli\/datasets\.js$/, new URL('datasets.js', HERE)]],
    [new URL('spec/browser/page/missing.js', BUILD)],
  )
  const texts = new Map([[MINIFIED, await library()]])
  const page = await readFile(new URL('page.html', SOURCES), 'utf8')
  const style = await readFile(new URL('page.css', SOURCES), 'utf8')
  for (const root of ['/', PLAIN]) {
    texts.set(root, page).set(`${root}page.css`, style)
    for (const [name, text] of files) texts.set(root + name, text)
  }
  return serve({
    texts,
    folders: { '/data/': documents() },
    headers: path => (path.startsWith(PLAIN) ? {} : ISOLATED),
    port,
  })
}

/** The package exports its entry alone; its data lies beside the entry's folder. */
function documents(): URL {
  const entry = createRequire(import.meta.url).resolve('vega-datasets')
  return new URL('../data/', pathToFileURL(entry))
}
