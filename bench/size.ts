import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const FOLDER = fileURLToPath(new URL('../src/', import.meta.url))
const ENTRY = "export { encode, decode, defineType, registry } from './index.js'"

/** Bytes of the core as a browser would load it: bundled, minified, gzipped at level 9. */
export async function bundleSize(): Promise<{ minified: number; gzipped: number }> {
  if (!existsSync(FOLDER)) throw new Error(`${FOLDER} is missing: build first`)
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    stdin: { contents: ENTRY, resolveDir: FOLDER, loader: 'js' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  })
  const code = outputFiles[0]!.contents
  return { minified: code.byteLength, gzipped: gzipSync(code, { level: 9 }).byteLength }
}
