// The parts of the page: what is found at the top, one section for each group of cases, and who took part.

import type { Verdict } from '../bars.js'
import { type Bar, type BarChart, barChart } from './bar-chart.js'
import { type Group, workloadOf } from './groups.js'
import { growthChart, type Series } from './growth-chart.js'
import { type Entry, inSight, type Lineup, type Mean } from './lineup.js'
import { html, type Markup } from './markup.js'
import type { Axis, Measure } from './results.js'
import { amountOf, amountText, anchorOf, caseTable, folded, lossOf, MEASURES, table } from './tables.js'
import { duration, quantity, size, spread, times } from './units.js'

/** The bars, each in one line: what was wanted, what was got. The roles stay when a phone lays the cells out anew. */
export function verdicts(found: readonly Verdict[]): Markup | undefined {
  if (found.length === 0) return undefined
  const judged = found.filter(({ got }) => got !== 'not run')
  const passed = judged.filter(({ passed }) => passed).length
  return html`
<section id="bars"><h2>What was to be reached</h2>
<p class="lead">${passed} of ${judged.length} passed. Each was set before it was measured, as a ratio inside one run.${judged.length < found.length ? ` ${found.length - judged.length} did not run.` : ''}</p>
<table class="verdicts" role="table"><caption>Bars and what was measured</caption>
<thead role="rowgroup"><tr role="row">${['bar', 'what', 'wanted', 'got'].map(head => html`<th scope="col" role="columnheader">${head}</th>`)}</tr></thead>
<tbody role="rowgroup">${found.map(verdict)}</tbody></table></section>`
}

function verdict({ bar, what, must, goal, got, passed, notes }: Verdict): Markup {
  const state = got === 'not run' ? 'not-run' : passed ? 'pass' : 'short'
  const word =
    state === 'not-run' ? undefined : html` <span class="state">${passed ? '✓ pass' : '✗ short'}</span>`
  const more =
    notes.length === 0
      ? undefined
      : folded('notes', html`<ul>${notes.map(note => html`<li>${note}</li>`)}</ul>`)
  return html`
<tr class="${state}" role="row"><th scope="row" role="rowheader">${bar}</th><td class="what" role="cell">${what}${more}</td><td class="wanted" role="cell">${must}${goal === '' ? undefined : html` <small class="faint">goal ${goal}</small>`}</td>
<td role="cell"><b>${got}</b>${word}</td></tr>`
}

/** A group: a chart for each case, lines where it grows. */
export function groupSection(group: Group, lineup: Lineup): Markup {
  return html`
<section id="${group.id}"><h2>${group.title}</h2>
<p class="lead">${group.lead}</p>
<div class="charts">${group.cases.map(name => (isCurve(name, lineup) ? growth(name, lineup) : charts(name, lineup)))}</div></section>`
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
    ...(limit && { limit: { name: limit.name, at: limit.x } }),
    bars: entries.map(entry => barOf(entry, lineup)),
  }
}

function barOf(entry: Entry | Mean, lineup: Lineup): Bar {
  const { name, x, from, to, ours, limit, wrong, stateful } = entry
  const standing = lineup.saved.contestants[name]!
  const share = lossOf(standing)
  const isMean = 'cases' in entry
  const detail = isMean
    ? from < to
      ? `${times(from)} to ${times(to)}`
      : ''
    : `${duration(entry.row.medianNs / entry.row.per)} ${spread(entry.row)}`
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
    detail,
    note: notes.filter(note => note !== '').join(', '),
    ...(wrong.length > 0 && !limit && { alarm: `lost here: ${wrong.join(', ')}` }),
    isFaster: !ours && !limit && x < 1,
  }
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

const AXES: Readonly<Record<Axis, (at: number) => string>> = {
  nodes: quantity,
  buffers: quantity,
  bytes: size,
}

function growth(name: string, lineup: Lineup): Markup {
  const { title, op, axis, series, label } = curveOf(name, lineup)
  const sizes = [...new Set(series.flatMap(({ points }) => points.map(({ at }) => at)))].sort((a, b) => a - b)
  const body = series.map(({ name, points }) => {
    const timeAt = (at: number) => points.find(point => point.at === at)?.ns
    return [name, ...sizes.map(timeAt).map(ns => (ns === undefined ? '' : duration(ns)))]
  })
  return html`
<article class="wide"><h3>${title}</h3><p class="about">${op === 'both' ? 'encode and decode' : op}, against ${axis ?? 'size'}</p>
${growthChart(title, series, label)}
${folded('As a table', table(title, ['contestant', ...sizes.map(label)], body))}</article>`
}

/** A case as lines. */
export function curveOf(name: string, lineup: Lineup) {
  const { about, axis = axisOf(name) } = lineup.saved.cases[name] ?? { about: '' }
  const op = lineup.mainOps(name)[0]!
  const label = axis === undefined ? quantity : AXES[axis]
  return { title: about || workloadOf(name), op, axis, series: seriesOf(name, op, lineup), label }
}

/** Of results that do not say. */
const axisOf = (name: string): Axis | undefined =>
  ({ nodes: 'nodes', buffers: 'buffers', tensor: 'bytes' })[workloadOf(name)] as Axis | undefined

/** One line for each contestant: the median over the heats that it was in. */
function seriesOf(name: string, op: string, lineup: Lineup): Series[] {
  const rows = lineup.rows(name).filter(row => row.op === op)
  return [...new Set(rows.map(({ contestant }) => contestant))].map(contestant => {
    const mine = rows.filter(row => row.contestant === contestant)
    const points = [...new Set(mine.map(({ at }) => at!))].map(at => {
      const times = mine.filter(row => row.at === at).map(({ medianNs, per }) => medianNs / per)
      return { at, ns: times.sort((a, b) => a - b)[(times.length - 1) >> 1]! }
    })
    return { name: contestant, style: lineup.growing.indexOf(contestant), points }
  })
}
