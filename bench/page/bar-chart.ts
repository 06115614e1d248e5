// Bars that lie, one below the other, all from the same zero. Lengths are percentages of the width there is, so that text keeps
// its size on a phone; the words beside a bar are HTML, and wrap.

import { html, type Markup } from './markup.js'

export interface Bar {
  readonly name: string
  /** Where more is said about it, a fragment of the page. */
  readonly about?: string
  readonly kind: 'ours' | 'rival' | 'wrong' | 'limit'
  readonly length: number
  readonly from?: number
  readonly to?: number
  readonly figure: string
  readonly detail: string
  readonly note?: string
  readonly alarm?: string
  readonly isFaster?: boolean
}

export interface BarChart {
  /** What the bars are about, for who does not see them. */
  readonly title: string
  readonly bars: readonly Bar[]
  /** Drawn through all bars: ours. */
  readonly mark?: number
  /** What nobody can be shorter than. */
  readonly limit?: number
}

export const HEIGHT = 14
/** Lengths beyond which a bar would leave the others no room. */
const MOST = 12
const TORN_AT = 8
/** Room for thin lines that are longer than the longest bar; what leaves it has no foot at its end. */
const SPREAD = 1.25

/** What the whole width stands for; what is longer is torn. */
export function extentOf({ bars, mark = 0, limit = 0 }: BarChart): number {
  const longest = Math.max(mark, limit, ...bars.map(({ length }) => length))
  const spread = Math.max(longest, ...bars.map(({ to = 0 }) => to))
  if (mark === 0 || longest <= MOST * mark) return Math.min(spread, SPREAD * longest) || 1
  return TORN_AT * mark
}

export function barChart(chart: BarChart): Markup {
  const extent = extentOf(chart)
  return html`<ul class="bars" aria-label="${chart.title}">${chart.bars.map(bar => line(bar, chart, extent))}</ul>`
}

function line(bar: Bar, chart: BarChart, extent: number): Markup {
  const { name, about, kind, figure, detail, note, alarm, isFaster } = bar
  const called = about === undefined ? html`${name}` : html`<a href="#${about}">${name}</a>`
  return html`
<li class="${kind}">
<p><span class="name">${called}${small(note)}${small(alarm, 'late')}</span>
<span class="figure"><b${isFaster ? html` class="late"` : undefined}>${figure}</b>${small(detail)}</span></p>
<svg width="100%" height="${HEIGHT}" role="img">${barShape(bar, chart, extent)}</svg>
</li>`
}

const small = (text = '', kind = 'faint') =>
  text === '' ? undefined : html` <small class="${kind}">${text}</small>`

/** What is inside the image of one bar, `HEIGHT` high and as wide as there is room. */
export function barShape(
  { name, length, from, to, figure, detail }: Bar,
  { mark, limit }: BarChart,
  extent: number,
): Markup {
  const place = (value: number): string => `${percent(value / extent)}%`
  const isTorn = length > extent
  return html`<title>${name}: ${figure} ${detail}</title><rect width="${place(length)}" height="${HEIGHT}" rx="2" />
${isTorn ? tear : whisker(from, to, extent, place)}${upright(mark, 'mark', place)}${upright(limit, 'limit', place)}`
}

/** From one end to the other, with a foot at each; where it leaves the picture it has none. */
function whisker(
  from: number | undefined,
  to: number | undefined,
  extent: number,
  place: (value: number) => string,
): Markup | undefined {
  if (from === undefined || to === undefined || from === to) return undefined
  const ends = to > extent ? [from] : [from, to]
  const feet = ends.map(
    end => html`<line class="whisker" x1="${place(end)}" x2="${place(end)}" y1="4" y2="10" />`,
  )
  return html`<line class="whisker" x1="${place(from)}" x2="${place(to)}" y1="7" y2="7" />${feet}`
}

/** A gap near the end of a bar that goes on. */
const tear = html`<line class="tear" x1="96%" x2="95%" y1="-1" y2="15" />`

const upright = (at: number | undefined, kind: string, place: (value: number) => string) =>
  at === undefined || at <= 0
    ? undefined
    : html`<line class="${kind}" x1="${place(at)}" x2="${place(at)}" y1="-2" y2="16" />`

const percent = (share: number): number => Number((100 * Math.min(1, Math.max(0, share))).toFixed(2))
