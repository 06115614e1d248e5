// Lines of time against size, both axes logarithmic. Places across are percentages, so that text keeps its size on a phone.

import { html, type Markup } from './markup.js'
import { LogScale } from './scale.js'
import { tick } from './units.js'

export interface Point {
  readonly at: number
  readonly ns: number
}

export interface Series {
  readonly name: string
  /** The same in every chart of a page: which colour and mark it has. */
  readonly style: number
  readonly points: readonly Point[]
}

export const HEIGHT = 300
const TOP = 10
const BOTTOM = 272
const LEFT = 0.2
const RIGHT = 0.96
/** Lines are told apart by their marks as well as by colour. */
const MARKS = [
  'M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z',
  'M-4,-4h8v8h-8z',
  'M0,-5L5,4H-5z',
  'M0,-5L5,0L0,5L-5,0z',
  'M0,5L5,-4H-5z',
  'M-5,-1.5h3.5v-3.5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5z',
]
const markOf = (i: number): Markup => html`<path d="${MARKS[i % MARKS.length]}" />`

/** Room that a label takes, as a share of the axis. */
const LABEL = 0.22
/** Room of two powers of ten: so that what costs the same everywhere looks level. */
const LEAST = 2
const EDGE = 0.06

/** The picture and its legend. */
export function growthChart(title: string, series: readonly Series[], label: (at: number) => string): Markup {
  const legend = series.map(one => html`<li class="${styleOf(one)}">${legendMark(one)} ${one.name}</li>`)
  return html`
<ul class="legend">${legend}</ul>
<svg class="growth" width="100%" height="${HEIGHT}" role="img">${plot(title, series, label)}</svg>`
}

export const legendMark = ({ style }: Series): Markup =>
  html`<svg width="12" height="12" viewBox="-6 -6 12 12" aria-hidden="true" class="mark-of">${markOf(style)}</svg>`

export const styleOf = ({ style }: Series): string => `series${style % MARKS.length}`

/** What is inside the image, `HEIGHT` high and as wide as there is room. */
export function plot(title: string, series: readonly Series[], label: (at: number) => string): Markup {
  const points = series.flatMap(({ points }) => points)
  const sizes = [...new Set(points.map(({ at }) => at))].sort((a, b) => a - b)
  const across = new LogScale(sizes)
  const up = new LogScale(
    points.map(({ ns }) => ns),
    LEAST,
    EDGE,
  )
  const x = (at: number) => `${(100 * (LEFT + (RIGHT - LEFT) * across.place(at))).toFixed(2)}%`
  const y = (ns: number) => (BOTTOM - (BOTTOM - TOP) * up.place(ns)).toFixed(1)
  const rows = up.ticks().map(
    ns => html`<line class="grid" x1="0" x2="100%" y1="${y(ns)}" y2="${y(ns)}" />
<text class="tick" x="0" y="${y(ns)}" dy="-3">${tick(ns)}</text>`,
  )
  const columns = spaced(sizes, across).map(
    at => html`<text class="tick" x="${x(at)}" y="${HEIGHT - 8}" text-anchor="middle">${label(at)}</text>`,
  )
  return html`<title>${title}</title>${rows}${columns}
${series.map(one => curve(one, x, y))}`
}

function curve(one: Series, x: (at: number) => string, y: (ns: number) => string): Markup {
  const points = one.points.toSorted((a, b) => a.at - b.at)
  const lines = points
    .slice(1)
    .map(
      ({ at, ns }, k) =>
        html`<line x1="${x(points[k]!.at)}" y1="${y(points[k]!.ns)}" x2="${x(at)}" y2="${y(ns)}" />`,
    )
  const marks = points.map(
    ({ at, ns }) =>
      html`<svg x="${x(at)}" y="${y(ns)}" overflow="visible" class="mark-of">${markOf(one.style)}</svg>`,
  )
  return html`<g class="${styleOf(one)}">${lines}${marks}</g>`
}

/** Sizes whose labels do not touch each other: the ends, and what has room between. */
function spaced(sizes: readonly number[], across: LogScale): number[] {
  const kept = [sizes[0]!]
  for (const at of sizes.slice(1)) {
    const isLast = at === sizes.at(-1)
    const isNear = across.place(at) - across.place(kept.at(-1)!) < LABEL
    if (isNear && isLast && kept.length > 1) kept.pop()
    const isFree = isLast || (!isNear && across.place(sizes.at(-1)!) - across.place(at) >= LABEL)
    if (isFree) kept.push(at)
  }
  return kept
}
