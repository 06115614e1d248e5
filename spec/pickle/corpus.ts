/** Pickles that Python made, and what they hold: recorded ones, and those of the Python on this machine. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { python } from './python.js'
import { scriptPath } from './script.js'

const RECORDED = new URL('../../../fixtures/pickles/', import.meta.url)

export interface Row {
  readonly name: string
  readonly protocol: number
  readonly meta: Uint8Array
  /** Absent when all is in band. */
  readonly buffers: Uint8Array[] | undefined
  readonly value: unknown
}

export interface Corpus {
  readonly name: string
  readonly python: string
  readonly numpy: string | null
  readonly rows: readonly Row[]
}

function parse(name: string, text: string): Corpus {
  const [origin, ...lines] = text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  const bytes = (encoded: string): Uint8Array => new Uint8Array(Buffer.from(encoded, 'base64'))
  const rows = lines.map(({ meta, buffers, ...row }) => ({
    ...row,
    meta: bytes(meta),
    buffers: buffers?.map(bytes),
  }))
  return { name, ...origin, rows }
}

export const recorded: readonly Corpus[] = readdirSync(RECORDED)
  .filter(file => file.endsWith('.jsonl'))
  .map(file => parse(file, readFileSync(new URL(file, RECORDED), 'utf8')))

/** What the Python on this machine makes now. */
export function live(): Corpus | undefined {
  if (python === undefined) return undefined
  const { stdout, stderr, status } = spawnSync(python, ['-W', 'ignore', scriptPath('make_pickles.py')], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  if (status !== 0) throw new Error(stderr)
  return parse('this machine', stdout)
}
