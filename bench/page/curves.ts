// Cases that grow: time against nodes, buffers or bytes.

import { workloadOf } from './groups.js'
import { growthChart, type Series } from './growth-chart.js'
import type { Lineup } from './lineup.js'
import { html, type Markup } from './markup.js'
import type { Axis } from './results.js'
import { folded, table } from './tables.js'
import { duration, quantity, size } from './units.js'

const AXES: Readonly<Record<Axis, (at: number) => string>> = {
  nodes: quantity,
  buffers: quantity,
  bytes: size,
}

/** The case as lines, and the same as a table. */
export function curves(name: string, lineup: Lineup): Markup {
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
