/** The declarations as another project reads them: one for browsers, with an old `lib`, that declares what it makes of ours. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const root = new URL('../../', import.meta.url)
const folder = new URL('dist/declarations/', root)
const path = (name: string, base = folder): string => fileURLToPath(new URL(name, base))

/** What runs in Node alone may name Node's types. */
const doors = [
  '',
  ...['/channel', '/frame', '/loopback', '/port', '/ring', '/streams', '/types', '/websocket'],
  ...['/cbor', '/flatbuffers', '/flexbuffers', '/msgpack', '/pickle'],
  ...['/birpc', '/comlink', '/piscina', '/workerpool'],
]
const imports = doors.map(door => `import 'outband${door}'`)

/** What a project may export with no type written: its declaration names ours. */
const exported = `
import type { Channel } from 'outband/channel'
import type { EncodeOptions, Format } from 'outband'
import type { WebSocketLike } from 'outband/websocket'
import type { Wrapped } from 'outband/port'
declare const channel: Channel<number>
declare const options: EncodeOptions
declare const format: Format
declare const socket: WebSocketLike
declare const port: Wrapped
export const { on, off, once } = channel
export const { bufferCallback } = options
export const { encode, decode } = format
export const { addEventListener } = socket
export const { removeEventListener } = port
`

const test = suite('declarations')

test("they compile without Node's types, with the lib of 2022, and can be named", () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(path('project.ts'), [...imports, exported].join('\n'))
  const config = {
    compilerOptions: {
      module: 'nodenext',
      target: 'es2022',
      lib: ['es2022', 'dom'],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      declaration: true,
      outDir: 'out',
    },
    include: ['*.ts'],
  }
  writeFileSync(path('tsconfig.json'), JSON.stringify(config))
  const tsc = path('node_modules/typescript/bin/tsc', root)
  try {
    execFileSync(process.execPath, [tsc, '-p', path('tsconfig.json')], { encoding: 'utf8' })
  } catch (error) {
    assert.unreachable((error as { stdout: string }).stdout)
  }
})

test.run()
