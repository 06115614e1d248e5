import { bytes, type Column, duration, type Paint, table } from '../src/cli/table.js'
import type { Board, Row, Standing } from './board.js'

interface Line {
  readonly contestant: string
  readonly at: number | undefined
}

interface Part extends Column {
  /** `row`: of the main operation. */
  cell(line: Line, row: Row | undefined): string
}

/** What a terminal of today is wide; the last column is cut to it. */
const WIDTH = 160
/** Room for what a contestant loses, however wide all else is. */
const LEAST_LOSSES = 12

/**
 * Times of one case, fastest first, each with the spread of its middle half; then its price: bytes on the wire, bytes
 * copied, what is allocated and what both sides' processors had to do, for one value; and what it loses.
 */
export function caseTable(name: string, board: Board, paint: Paint): string {
  const { rows, contestants } = board.results
  const ops = [...new Set(rows.map(({ op }) => op))].sort((a, b) => place(a) - place(b))
  const first = rows.find(({ contestant }) => contestants[contestant]?.ours)?.contestant ?? ''
  const has = (key: keyof Row) => rows.some(row => row[key] !== undefined)
  const parts: Part[] = [
    {
      head: 'contestant',
      cell: ({ contestant, at }) => titled(board.standing(contestant), contestant, at, paint),
    },
    ...ops.flatMap(op => timeParts(name, op, board)),
    right('x', ({ contestant, at }) =>
      at === undefined ? board.ratio(name, contestant, first).toFixed(2) : '',
    ),
    ...(has('bytes') ? [right('bytes', (_, row) => sized(row?.bytes))] : []),
    ...(has('copied') ? [right('copied', (_, row) => sized(row?.copied))] : []),
    ...(has('allocatedBytes') ? [right('allocated', (_, row) => sized(shared(row, 'allocatedBytes')))] : []),
    ...(has('peakBytes') ? [right('peak', (_, row) => sized(row?.peakBytes))] : []),
    ...(has('peerCpuNs') ? [right('cpu here', (_, row) => timed(shared(row, 'cpuNs')))] : []),
    ...(has('peerCpuNs') ? [right('there', (_, row) => timed(shared(row, 'peerCpuNs')))] : []),
    ...(rows.some(({ lost }) => lost.length > 0)
      ? [{ head: 'lost here', cell: (_: Line, row?: Row) => paint.red(row?.lost.join(', ') ?? '') }]
      : []),
  ]
  const lines = linesOf(name, board, first)
  const cells = lines.map(line => {
    const row = board.row(name, line.contestant, { at: line.at }) ?? anyRow(rows, line)
    return parts.map(({ cell }) => cell(line, row))
  })
  const width = Math.max(
    ...table(parts, cells, PLAIN)
      .split('\n')
      .map(line => line.length),
  )
  const room = Math.max(LEAST_LOSSES, WIDTH - width - 2)
  const all = cells.map((row, i) => [...row, paint.dim(losses(board.standing(lines[i]!.contestant), room))])
  return table([...parts, { head: 'loses' }], all, paint)
}

const same = (text: string): string => text
const PLAIN: Paint = { bold: same, dim: same, green: same, red: same, yellow: same }

const right = (head: string, cell: Part['cell']): Part => ({ head, align: 'right', cell })

function titled({ ours, limit }: Standing, contestant: string, at: number | undefined, paint: Paint): string {
  const title = `${contestant}${at === undefined ? '' : ` at ${at}`}${limit ? ' (limit)' : ''}`
  return ours ? paint.bold(title) : title
}

function timeParts(name: string, op: string, board: Board): Part[] {
  const rowOf = ({ contestant, at }: Line) => board.row(name, contestant, { op, at })
  return [
    right(op, line => timed(shared(rowOf(line), 'medianNs'))),
    right('±', line => {
      const row = rowOf(line)
      return row ? `${((50 * (row.q3Ns - row.q1Ns)) / row.medianNs).toFixed(0)}%` : ''
    }),
  ]
}

/** Of one value, when an operation carries it many times. */
function shared(
  row: Row | undefined,
  key: 'medianNs' | 'allocatedBytes' | 'cpuNs' | 'peerCpuNs',
): number | undefined {
  const whole = row?.[key]
  return whole === undefined ? undefined : whole / row!.per
}

const sized = (count: number | undefined): string => (count === undefined ? '–' : bytes(Math.round(count)))
const timed = (ns: number | undefined): string => (ns === undefined ? '–' : duration(ns))

const anyRow = (rows: readonly Row[], { contestant, at }: Line): Row | undefined =>
  rows.find(row => row.contestant === contestant && row.at === at)

/** One line for each contestant, or for each of its places on a curve. */
function linesOf(name: string, board: Board, first: string): Line[] {
  const lines = new Map<string, Line>()
  for (const { contestant, at } of board.results.rows) lines.set(`${contestant} ${at}`, { contestant, at })
  const found = [...lines.values()]
  if (found.some(({ at }) => at !== undefined)) return found
  // Against each rival we were timed anew: what is comparable is the ratio.
  const ratio = ({ contestant }: Line) => board.ratio(name, contestant, first)
  return found.sort((a, b) => (ratio(a) || Number.POSITIVE_INFINITY) - (ratio(b) || Number.POSITIVE_INFINITY))
}

/** Both ways come last: they sum up the others. */
const place = (op: string): number => (op === 'both' ? 2 : op === 'decode' ? 1 : 0)

/** How many of the probes, and which, as far as there is room. */
function losses({ kept, lost }: Standing, room: number): string {
  if (lost.length === 0) return 'nothing'
  const which =
    kept.length === 0 ? 'all' : kept.length < lost.length ? `all but ${kept.join(', ')}` : lost.join(', ')
  const text = `${lost.length}: ${which}`
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`
}
