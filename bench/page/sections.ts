// One section for each group of cases: a chart for a case, with what it took of memory and processors, and its table.

import { type Bar, type BarChart, barChart } from './bar-chart.js'
import { curves } from './curves.js'
import { type Group, workloadOf } from './groups.js'
import { type Entry, inSight, type Lineup, type Mean } from './lineup.js'
import { html, type Markup } from './markup.js'
import type { Measure } from './results.js'
import { amountOf, amountText, anchorOf, caseTable, folded, lossOf, MEASURES } from './tables.js'
import { duration, spread, times } from './units.js'

/** A group: a chart for each case, lines where it grows. */
export function groupSection(group: Group, lineup: Lineup): Markup {
  return html`
<section id="${group.id}"><h2>${group.title}</h2>
<p class="lead">${group.lead}</p>
<div class="charts">${group.cases.map(name => (isCurve(name, lineup) ? curves(name, lineup) : charts(name, lineup)))}</div></section>`
}

const isCurve = (name: string, lineup: Lineup): boolean =>
  lineup.rows(name).every(({ at }) => at !== undefined)
const aboutOf = (name: string, lineup: Lineup): string => lineup.saved.cases[name]?.about ?? ''

function charts(name: string, lineup: Lineup): Markup {
  const ops = lineup.mainOps(name)
  const drawn = ops.map(op => {
    const entries = lineup.drawn(name, op)
    const title = ops.length === 1 && op !== 'there and back' ? '' : op
    return html`${title === '' ? undefined : html`<h4>${title}</h4>`}${bars(entries, lineup, title || name)}`
  })
  return html`
<article><h3>${workloadOf(name)}</h3><p class="about">${aboutOf(name, lineup)}</p>${drawn}${measures(name, ops[0]!, lineup)}${caseTable(name, lineup)}</article>`
}

/** A chart, and in words whom it has no room for. */
export function bars(entries: readonly (Entry | Mean)[], lineup: Lineup, title: string): Markup {
  const { near, far } = inSight(entries)
  const slower = far.map(({ name, x }, i) => html`${i > 0 ? ', ' : ''}${name} ${times(x)}`)
  const limits = entries.filter(({ limit }) => limit)
  return html`${barChart(chartOf(near, lineup, title))}
${limits.map(({ name, x }) => html`<p class="key"><span class="limit-key">|</span> the limit: ${name}, ${times(x)}</p>`)}
${slower.length === 0 ? undefined : html`<p class="key">Slower: ${slower}</p>`}`
}

/** Bars of one operation, with the limit through them. */
export function chartOf(entries: readonly (Entry | Mean)[], lineup: Lineup, title: string): BarChart {
  const limit = entries.find(({ limit }) => limit)
  return {
    title,
    mark: 1,
    ...(limit && { limit: limit.x }),
    bars: entries.map(entry => barOf(entry, lineup)),
  }
}

function barOf(entry: Entry | Mean, lineup: Lineup): Bar {
  const { name, x, from, to, ours, limit, wrong, stateful } = entry
  const standing = lineup.saved.contestants[name]!
  const share = lossOf(standing)
  const notes = [
    standing.lost.length === 0 || share === '' ? '' : `loses ${share}`,
    stateful ? 'stateful' : '',
    limit ? 'the limit' : '',
  ]
  return {
    name,
    about: anchorOf(Object.keys(lineup.saved.contestants).indexOf(name)),
    kind: limit ? 'limit' : ours ? 'ours' : wrong.length > 0 ? 'wrong' : 'rival',
    length: x,
    from,
    to,
    figure: times(x),
    detail: 'row' in entry ? timeOf(entry) : rangeOf(entry),
    note: notes.filter(note => note !== '').join(', '),
    ...(wrong.length > 0 && !limit && { alarm: `lost here: ${wrong.join(', ')}` }),
    isFaster: !ours && !limit && x < 1,
  }
}

const timeOf = ({ row }: Entry): string => `${duration(row.medianNs / row.per)} ${spread(row)}`

function rangeOf({ from, to, cases, of }: Mean): string {
  const range = from < to ? `${times(from)} to ${times(to)}` : ''
  return cases < of ? `${range} (${cases} of ${of})` : range
}

/** Memory and CPU time of who is drawn, where they were measured. */
function measures(name: string, op: string, lineup: Lineup): Markup | undefined {
  const entries = inSight(lineup.drawn(name, op)).near
  const drawn = MEASURES.flatMap(({ name: measure, title }) => {
    const having = entries.filter(({ row }) => Number.isFinite(amountOf(row, measure)))
    return having.length === 0
      ? []
      : [html`<h4>${title}</h4>${barChart(measureChart(having, measure, title))}`]
  })
  return drawn.length === 0 ? undefined : folded('Memory and CPU time', drawn)
}

function measureChart(entries: readonly Entry[], measure: Measure, title: string): BarChart {
  const bars = entries.map(({ name, ours, limit, row }): Bar => {
    const amount = amountOf(row, measure)
    return {
      name,
      kind: limit ? 'limit' : ours ? 'ours' : 'rival',
      length: amount,
      figure: amountText(measure, amount),
      detail: '',
    }
  })
  const unit = entries.find(({ ours, x }) => ours && x === 1)
  const mine = unit ? amountOf(unit.row, measure) : 0
  return { title, bars, ...(mine > 0 && { mark: mine }) }
}
