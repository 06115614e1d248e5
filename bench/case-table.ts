import { bytes, duration, type Paint, table } from '../src/cli/table.js'
import type { Board, Row, Standing } from './board.js'

interface Line {
  readonly contestant: string
  readonly at: number | undefined
}

/** Times of one case, fastest first, each with the spread of its middle half and, at the end, its price. */
export function caseTable(name: string, board: Board, paint: Paint): string {
  const { rows, contestants } = board.results
  const ops = [...new Set(rows.map(({ op }) => op))].sort((a, b) => place(a) - place(b))
  const first = rows.find(({ contestant }) => contestants[contestant]?.ours)?.contestant ?? ''
  const columns = [
    { head: 'contestant' },
    ...ops.flatMap(
      op =>
        [
          { head: op, align: 'right' },
          { head: '±', align: 'right' },
        ] as const,
    ),
    { head: 'x', align: 'right' },
    { head: 'bytes', align: 'right' },
    { head: 'copied', align: 'right' },
    { head: 'lost here' },
    { head: 'loses' },
  ] as const
  const cells = linesOf(name, board, first).map(({ contestant, at }) => {
    const timed = ops.map(op => board.row(name, contestant, { op, at }))
    const row = timed.find(row => row !== undefined)
    const standing = board.standing(contestant)
    const title = at === undefined ? contestant : `${contestant} at ${at}`
    return [
      standing.ours ? paint.bold(title) : title,
      ...timed.flatMap(timeCells),
      at === undefined ? board.ratio(name, contestant, first).toFixed(2) : '',
      row?.bytes === undefined ? '–' : bytes(row.bytes),
      row?.copied === undefined ? '' : bytes(row.copied),
      paint.red(row?.lost.join(', ') ?? ''),
      paint.dim(losses(standing)),
    ]
  })
  return table(columns, cells, paint)
}

/** One line for each contestant, or for each of its places on a curve. */
function linesOf(name: string, board: Board, first: string): Line[] {
  const lines = new Map<string, Line>()
  for (const { contestant, at } of board.results.rows) lines.set(`${contestant} ${at}`, { contestant, at })
  const found = [...lines.values()]
  if (found.some(({ at }) => at !== undefined)) return found
  // Against each rival we were timed anew: what is comparable is the ratio.
  return found.sort((a, b) => board.ratio(name, a.contestant, first) - board.ratio(name, b.contestant, first))
}

/** Both ways come last: they sum up the others. */
const place = (op: string): number => (op === 'both' ? 2 : op === 'decode' ? 1 : 0)

function timeCells(row: Row | undefined): string[] {
  if (!row) return ['–', '']
  const { medianNs, q1Ns, q3Ns, per } = row
  return [duration(medianNs / per), `${((50 * (q3Ns - q1Ns)) / medianNs).toFixed(0)}%`]
}

function losses({ kept, lost }: Standing): string {
  if (lost.length === 0) return 'nothing'
  if (kept.length === 0) return ''
  return kept.length < lost.length ? `all but ${kept.join(', ')}` : lost.join(', ')
}
