/**
 * The scripts of the pages. A page imports outband by its address, so that it is the build itself that runs there:
 * the modules as they are, or all of them as one minified file.
 */
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

/** The build: `dist/`. */
export const BUILD = new URL('../../', import.meta.url)
const PAGE = new URL('page/', import.meta.url)
/** Where the minified form lies. */
export const MINIFIED = '/outband.min.js'

const SETTINGS = {
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  write: false,
  logLevel: 'error',
} as const

/** What a page's script takes in place of what only Node has. */
export type Stand = readonly [pattern: RegExp, module: URL]

/** Which form of the package a page runs. */
export type Form = 'modules' | 'minified'

/** 'outband', and what a page may use beside it, as one minified file. */
export async function library(): Promise<string> {
  const { outputFiles } = await build({
    ...SETTINGS,
    minify: true,
    stdin: {
      contents: ['.', './port', './streams', './websocket']
        .map(folder => `export * from '${folder}/index.js'`)
        .join('\n'),
      resolveDir: fileURLToPath(new URL('src/', BUILD)),
    },
  })
  return outputFiles[0]!.text
}

function addresses(form: Form, stands: readonly Stand[]): Plugin {
  return {
    name: 'addresses',
    setup({ onResolve }) {
      onResolve({ filter: /\/src\/(?:(?:port|streams|websocket)\/)?index\.js$/ }, ({ path }) => {
        const module = `/dist${path.slice(path.indexOf('/src/'))}`
        return { path: form === 'modules' ? module : MINIFIED, external: true }
      })
      for (const [filter, module] of stands) {
        onResolve({ filter }, () => ({ path: fileURLToPath(module) }))
      }
    },
  }
}

/** Scripts by their name, each in one file. */
export async function scripts(
  form: Form,
  entries: Readonly<Record<string, URL>>,
  stands: readonly Stand[],
  inject: readonly URL[] = [],
): Promise<Map<string, string>> {
  const { outputFiles } = await build({
    ...SETTINGS,
    entryPoints: Object.entries(entries).map(([out, url]) => ({ in: fileURLToPath(url), out })),
    outdir: '/',
    inject: inject.map(url => fileURLToPath(url)),
    plugins: [addresses(form, stands)],
  })
  return new Map(outputFiles.map(({ path, text }) => [path.replace(/^.*[\\/]/, ''), text]))
}

const html = (script: string): string =>
  `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="${script}"></script>\n`

/** A page of the specs, and what runs in it and on the other side of its ports. */
export interface Page {
  readonly name: string
  readonly isIsolated: boolean
  readonly form: Form
  /** The form of its workers; frames are minified, so that two copies of the package meet. */
  readonly workers: Form
}

export const pathOf = ({ isIsolated, form, workers }: Page): string =>
  `/${isIsolated ? 'isolated' : 'plain'}/${form}-${workers}/`

/** Every text of these pages, each in a folder of its own. */
export async function texts(pages: readonly Page[]): Promise<Map<string, string>> {
  const all = new Map([[MINIFIED, await library()]])
  const entries = {
    page: new URL('main.js', PAGE),
    worker: new URL('worker.js', PAGE),
    frame: new URL('frame.js', PAGE),
    worklet: new URL('worklet.js', PAGE),
  }
  const stands: Stand[] = [[/^node:vm$/, new URL('realm.js', PAGE)]]
  const inject = [new URL('missing.js', PAGE)]
  const files = {
    modules: await scripts('modules', entries, stands, inject),
    minified: await scripts('minified', entries, stands, inject),
  }
  for (const page of pages) {
    const path = pathOf(page)
    const forms = { page: page.form, worker: page.workers, worklet: page.form, frame: 'minified' } as const
    for (const [name, form] of Object.entries(forms)) {
      all.set(`${path}${name}.js`, files[form].get(`${name}.js`)!)
    }
    for (const name of ['page', 'frame']) all.set(`${path}${name}.html`, html(`${name}.js`))
  }
  return all
}
