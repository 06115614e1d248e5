// The same numbers to read, to copy and for machines: each chart has its table.

import type { Lineup } from './lineup.js'
import { html, type Markup, type Part } from './markup.js'
import type { Figures, Measure, Saved } from './results.js'
import { bytes, duration, spread, times } from './units.js'

interface Column {
  readonly head: string
  readonly cell: (row: Figures) => string
}

/** What is shown for one value, where an operation carries several; peaks belong to all of it. */
export const MEASURES: readonly { readonly name: Measure; readonly head: string; readonly title: string }[] =
  [
    { name: 'allocatedBytes', head: 'allocated', title: 'Memory allocated here for one value' },
    { name: 'peakBytes', head: 'peak', title: 'Most that the memory of this side grew by meanwhile' },
    { name: 'cpuNs', head: 'CPU', title: 'CPU time of this side for one value' },
    { name: 'peerCpuNs', head: 'CPU there', title: 'CPU time of the other side for one value' },
  ]

/** NaN where it was not measured. */
export function amountOf(row: Figures, measure: Measure): number {
  const amount = Math.max(0, row[measure] ?? Number.NaN)
  return measure === 'peakBytes' ? amount : amount / row.per
}

export const amountText = (measure: Measure, amount: number): string =>
  measure.endsWith('Bytes') ? bytes(Math.round(amount)) : duration(amount)

const COLUMNS: readonly Column[] = [
  { head: 'bytes', cell: ({ bytes: count }) => (count === undefined ? '' : bytes(count)) },
  { head: 'copied', cell: ({ copied }) => (copied === undefined ? '' : bytes(copied)) },
  ...MEASURES.map(({ name, head }) => ({
    head,
    cell: (row: Figures) => {
      const amount = amountOf(row, name)
      return Number.isFinite(amount) ? amountText(name, amount) : ''
    },
  })),
]

/** Everyone in one case, drawn or not, by each operation. */
export function caseTable(name: string, lineup: Lineup): Markup {
  const ops = lineup.ops(name)
  const main = lineup.mainOps(name)[0]!
  const found = new Map<string, Map<string, { row: Figures; x: number }>>()
  for (const op of [main, ...ops]) {
    for (const { name: contestant, row, x } of lineup.all(name, op)) {
      const cells = found.get(contestant) ?? new Map()
      found.set(contestant, cells.set(op, { row, x }))
    }
  }
  const rows = [...found.values()].map(cells => (cells.get(main) ?? [...cells.values()][0]!).row)
  const columns = COLUMNS.filter(({ cell }) => rows.some(row => cell(row) !== ''))
  const head = [
    'contestant',
    ...ops.flatMap(op => [op, 'spread', 'ours beside it', 'x']),
    ...columns.map(({ head }) => head),
    'lost here',
  ]
  const body = [...found].map(([contestant, cells], i) => [
    contestant,
    ...ops.flatMap(op => {
      const cell = cells.get(op)
      if (!cell) return ['', '', '', '']
      const ns = cell.row.medianNs / cell.row.per
      return [duration(ns), spread(cell.row), duration(ns / cell.x), times(cell.x)]
    }),
    ...columns.map(({ cell }) => cell(rows[i]!)),
    rows[i]!.lost.join(', '),
  ])
  return folded(`All ${found.size}, as a table`, table(`${name}: times of one`, head, body))
}

/** Who takes part: how it is called, and what becomes of values that are hard to carry. */
export function contestantTable({ contestants }: Saved): Markup {
  const rows = Object.entries(contestants).map(
    ([name, { about, kept, lost, ours, stateful, limit }], i) => html`
<tr id="${anchorOf(i)}"><th scope="row">${name}${tags({ ours, stateful, limit: limit === true })}</th><td><code>${about}</code></td>
<td class="number">${lossOf({ kept, lost })}</td><td>${lost.length === 0 ? '' : kept.length === 0 ? 'takes none of them' : lost.join(', ')}</td></tr>`,
  )
  return scrolled(
    'Contestants',
    html`<table class="contestants"><caption>Contestants</caption><thead><tr>${heads(['name', 'how it is used', 'loses', 'which'])}</tr></thead>
<tbody>${rows}</tbody></table>`,
  )
}

export const anchorOf = (i: number): string => `contestant-${i}`

/** How many of the probes were lost; nothing of who takes none of them, such as a socket of raw bytes. */
export function lossOf({ kept, lost }: { kept: readonly string[]; lost: readonly string[] }): string {
  return kept.length === 0 ? '' : `${lost.length} of ${kept.length + lost.length}`
}

const tags = (is: Readonly<Record<'ours' | 'stateful' | 'limit', boolean>>): Part =>
  Object.entries({
    ours: 'ours',
    stateful: 'stateful: its receiver needs what earlier messages, or others, brought',
    limit: 'the limit, no rival',
  }).map(([key, text]) => (is[key as keyof typeof is] ? html` <small>${text}</small>` : ''))

export function table(
  caption: string,
  head: readonly string[],
  body: readonly (readonly string[])[],
): Markup {
  const rows = body.map(
    ([first, ...rest]) =>
      html`<tr><th scope="row">${first}</th>${rest.map(cell => html`<td>${cell}</td>`)}</tr>\n`,
  )
  return scrolled(
    caption,
    html`<table class="numbers"><caption>${caption}</caption><thead><tr>${heads(head)}</tr></thead>
<tbody>${rows}</tbody></table>`,
  )
}

const heads = (names: readonly string[]): Part => names.map(name => html`<th scope="col">${name}</th>`)

/** A wide table moves in a frame of its own, which the keyboard reaches. */
const scrolled = (label: string, content: Markup): Markup =>
  html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${content}</div>`

export const folded = (summary: string, content: Part): Markup =>
  html`<details><summary>${summary}</summary>${content}</details>`
