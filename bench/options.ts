import { parseArgs } from 'node:util'

export interface Options {
  readonly filter: RegExp | undefined
  readonly quick: boolean
  readonly check: boolean
  readonly json: string | undefined
  readonly compare: string | undefined
  /** How far below the baseline counts as slower, as a share. */
  readonly tolerance: number
}

export const USAGE = `usage: npm run bench -- [--filter REGEX] [--quick] [--check] [--json FILE] [--compare FILE]

  --filter REGEX     cases whose name matches: codec, codec/movies, growth, …
  --quick            short samples; for a look, not for the record
  --check            judge the bars; alone, measures only the cases they need
  --json FILE        write every figure
  --compare FILE     compare with a file written by --json, relative to the rivals of each run
  --tolerance SHARE  how much slower than the baseline fails (0.2)`

/** @throws TypeError when an argument is not understood. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      filter: { type: 'string' },
      quick: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      json: { type: 'string' },
      compare: { type: 'string' },
      tolerance: { type: 'string', default: '0.2' },
    },
  })
  const tolerance = Number(values.tolerance)
  if (!(tolerance > 0 && tolerance < 1))
    throw new TypeError(`--tolerance is a share between 0 and 1, got ${values.tolerance}`)
  return {
    filter: values.filter === undefined ? undefined : regex(values.filter),
    quick: values.quick,
    check: values.check,
    json: values.json,
    compare: values.compare,
    tolerance,
  }
}

function regex(source: string): RegExp {
  try {
    return new RegExp(source)
  } catch (cause) {
    throw new TypeError(`--filter is a regular expression, got ${source}`, { cause })
  }
}
