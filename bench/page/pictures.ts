// Pictures for the README: SVG files with a card of their own behind them, so that they are readable on any page, light or
// dark. Here widths are fixed; what is inside a bar or a plot is that of the page.

import { type Bar, type BarChart, barShape, extentOf, HEIGHT } from './bar-chart.js'
import { curveOf } from './curves.js'
import { legendMark, HEIGHT as PLOT, plot, type Series, styleOf } from './growth-chart.js'
import { inSight, Lineup } from './lineup.js'
import { html, type Markup, raw } from './markup.js'
import { type Headline, headlines } from './overview.js'
import type { Saved } from './results.js'
import { chartOf } from './sections.js'
import { times } from './units.js'

const WIDTH = 830
const EDGE = 20
/** Columns of bars: a name, the bar, its figure, what is lost. */
const NAME = 200
const FIGURE = 155
const BAR = WIDTH - 2 * EDGE - NAME - FIGURE
const ROW = 26
/** Where the plots of growth begin. */
const TOP = 104
const MOST_PLOTS = 3

const STYLE = `
:root {
  --paper: #ffffff; --ink: #1c1d1f; --faint: #5b5e63; --line: #d9dad6; --ours: #0f766e; --rival: #858b92;
  --wrong: #e0e2e4; --limit: #6d28d9; --limit-bar: #d6c8f3;
  --series0: #0f766e; --series1: #1d4f91; --series2: #b93c0b; --series3: #7a3fa0; --series4: #5b5e63; --series5: #8a6d00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #1b1e21; --ink: #e9eaec; --faint: #a0a5ac; --line: #33373b; --ours: #2dd4bf; --rival: #777e86;
    --wrong: #3c4045; --limit: #c4a5ff; --limit-bar: #4d4266;
    --series0: #2dd4bf; --series1: #7fb2f5; --series2: #fb923c; --series3: #c99be8; --series4: #a0a5ac; --series5: #e3c34d;
  }
}
text { fill: var(--ink); font: 14px system-ui, sans-serif; font-variant-numeric: tabular-nums }
rect { fill: var(--rival) }
path { fill: currentColor }
g line { stroke: currentColor; stroke-width: 2 }
.card { fill: var(--paper); stroke: var(--line) }
.title { font-weight: 600 }
.faint, .tick { fill: var(--faint); font-size: 12px; font-weight: 400 }
.ours rect { fill: var(--ours) }
.ours .name { fill: var(--ours); font-weight: 600 }
.wrong rect { fill: var(--wrong); stroke: var(--rival); stroke-dasharray: 3 3 }
.limit rect { fill: var(--limit-bar) }
line.whisker { stroke: var(--ink); stroke-width: 2 }
line.mark { stroke: var(--ours); stroke-width: 1; stroke-dasharray: 2 2 }
line.limit { stroke: var(--limit); stroke-width: 2 }
line.tear { stroke: var(--paper); stroke-width: 4 }
.grid { stroke: var(--line) }
${[0, 1, 2, 3, 4, 5].map(i => `.series${i} { color: var(--series${i}) }`).join('\n')}
`

/** The files, by name; none for what was not measured. */
export function pictures(saved: Saved): Map<string, string> {
  const lineup = new Lineup(saved)
  const all = headlines([...new Set(saved.rows.map(row => row.case))])
  const documents = all.filter(({ kind }) => kind === 'document')
  const others = all.filter(({ kind }) => kind !== 'document')
  const found: readonly [name: string, picture: Markup | undefined][] = [
    ['documents.svg', barPicture('Documents', documents, lineup)],
    ['arrays.svg', barPicture('Arrays and small calls', others, lineup)],
    ['growth.svg', growthPicture(lineup)],
  ]
  return new Map(found.flatMap(([name, picture]) => (picture ? [[name, picture.text] as const] : [])))
}

function card(title: string, height: number, content: readonly Markup[], { machine }: Saved): Markup {
  const { cpu, cores, node, date, plan } = machine
  const about = `${cpu}, ${cores} cores, Node ${node}, ${date}${plan === 'full' ? '' : `, ${plan} run`}`
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>${title}</title><style>${raw(STYLE)}</style>
<rect class="card" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8" />
${content}
<text class="faint" x="${EDGE}" y="${height - 16}">${about}</text>
</svg>
`
}

function barPicture(title: string, shown: readonly Headline[], lineup: Lineup): Markup | undefined {
  if (shown.length === 0) return undefined
  let y = EDGE
  const content: Markup[] = []
  for (const headline of shown) {
    const { markup, height } = bars(headline, lineup, y)
    content.push(markup)
    y += height
  }
  return card(`${title}: how many times longer others take than outband`, y + 26, content, lineup.saved)
}

/** One chart, its title at `y`; the height it takes, room behind it included. */
function bars({ title, cases, op }: Headline, lineup: Lineup, y: number): { markup: Markup; height: number } {
  const { near, far } = inSight(lineup.means(cases, op))
  const chart = chartOf(near, lineup, title)
  const mean = cases.length > 1 ? `; geometric mean over ${cases.length}, best to worst` : ''
  const first = y + 28
  const lines = chart.bars.map((bar, i) => line(bar, chart, first + i * ROW))
  const end = first + lines.length * ROW
  const slower = far.map(({ name, x }) => `${name} ${times(x)}`).join(', ')
  const words = html`<text class="faint" x="${EDGE}" y="${end + 12}">slower: ${slower}</text>`
  const markup = html`<text class="title" x="${EDGE}" y="${y + 16}">${title}</text>
<text class="faint" x="${WIDTH - EDGE}" y="${y + 16}" text-anchor="end">time in units of ours${mean}</text>
${lines}${far.length > 0 ? words : undefined}`
  return { markup, height: end - y + 14 + (far.length > 0 ? ROW : 0) }
}

function line(bar: Bar, chart: BarChart, y: number): Markup {
  return html`<g class="${bar.kind}"><text class="name" x="${EDGE}" y="${y + 12}">${bar.name}</text>
<svg x="${EDGE + NAME}" y="${y}" width="${BAR}" height="${HEIGHT}" overflow="visible">${barShape(bar, chart, extentOf(chart))}</svg>
<text class="name" x="${WIDTH - EDGE - FIGURE + 52}" y="${y + 12}" text-anchor="end">${bar.figure}</text>
<text class="faint" x="${WIDTH - EDGE}" y="${y + 12}" text-anchor="end">${bar.note}</text></g>
`
}

/** The first curves side by side, under one legend. */
function growthPicture(lineup: Lineup): Markup | undefined {
  const names = new Set(lineup.saved.rows.filter(({ at }) => at !== undefined).map(row => row.case))
  if (names.size === 0) return undefined
  const shown = [...names].slice(0, MOST_PLOTS).map(name => curveOf(name, lineup))
  const wide = (WIDTH - EDGE * (shown.length + 1)) / shown.length
  const panels = shown.map(({ title, series, label }, i) => {
    const x = EDGE + i * (wide + EDGE)
    const words = wrapped(title, wide / 7.5)
    return html`${words.map((line, row) => html`<text class="faint" x="${x}" y="${76 + row * 16}">${line}</text>`)}
<svg x="${x}" y="${TOP}" width="${wide}" height="${PLOT}" overflow="visible">${plot(title, series, label)}</svg>`
  })
  const legend = legendOf(shown.flatMap(({ series }) => series))
  const title = 'Growth: time against size, both axes logarithmic'
  return card(title, TOP + PLOT + 44, [...legend, ...panels], lineup.saved)
}

function legendOf(series: readonly Series[]): Markup[] {
  const byName = new Map(series.map(one => [one.name, one]))
  return [...byName.values()].map(
    (
      one,
      i,
    ) => html`<svg x="${EDGE + i * 160}" y="${EDGE}" width="150" height="14" overflow="visible" class="${styleOf(one)}">
${legendMark(one)}<text x="18" y="11">${one.name}</text></svg>`,
  )
}

/** Words in lines of about so many characters. */
function wrapped(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = `${lines.at(-1)} ${word}`.trim()
    if (line.length <= width) lines[lines.length - 1] = line
    else lines.push(word)
  }
  return lines
}
