import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

export interface Options {
  readonly filter: RegExp | undefined
  readonly quick: boolean
  readonly check: boolean
  readonly json: string | undefined
  readonly compare: string | undefined
  /** How far below the baseline counts as slower, as a share. */
  readonly tolerance: number
  readonly instructions: boolean
  /** The user's own data, which is then all that is measured. */
  readonly files: readonly string[]
}

export const USAGE = `usage: npm run bench -- [--filter REGEX] [--quick] [--check] [--file DATA]… [--instructions] [--json FILE] [--compare FILE]

  --filter REGEX     cases whose name matches: codec, codec/movies, growth, …
  --quick            short samples of a few cases; for a look, not for the record
  --file DATA        your own data instead: a .json document or an .arrow (.feather) table; may be repeated
  --check            judge the bars; alone, measures only the cases they need
  --instructions     count ours for a few operations, by perf or callgrind; alone, measures nothing else
  --json FILE        write every figure
  --compare FILE     compare with a file written by --json, relative to the rivals of each run
  --tolerance SHARE  how much slower than the baseline fails (0.2)`

/**
 * `folder`: where paths begin; npm runs scripts in the package's folder, and says where the user was.
 *
 * @throws TypeError when an argument is not understood
 */
export function readOptions(args: readonly string[], folder = process.cwd()): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      filter: { type: 'string' },
      quick: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      instructions: { type: 'boolean', default: false },
      json: { type: 'string' },
      compare: { type: 'string' },
      file: { type: 'string', multiple: true, default: [] },
      tolerance: { type: 'string', default: '0.2' },
    },
  })
  const tolerance = Number(values.tolerance)
  if (!(tolerance > 0 && tolerance < 1))
    throw new TypeError(`--tolerance is a share between 0 and 1, got ${values.tolerance}`)
  if (values.check && values.file.length > 0)
    throw new TypeError('--check judges workloads that everyone has; --file measures your own')
  const pathOf = (path: string | undefined) => (path === undefined ? undefined : resolve(folder, path))
  return {
    filter: values.filter === undefined ? undefined : regex(values.filter),
    quick: values.quick,
    check: values.check,
    instructions: values.instructions,
    json: pathOf(values.json),
    compare: pathOf(values.compare),
    tolerance,
    files: values.file.map(file => resolve(folder, file)),
  }
}

function regex(source: string): RegExp {
  try {
    return new RegExp(source)
  } catch (cause) {
    throw new TypeError(`--filter is a regular expression, got ${source}`, { cause })
  }
}
