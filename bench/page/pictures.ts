// Pictures for the README: SVG files with a card of their own behind them, so that they are readable on any page, light or
// dark. Here widths are fixed; what is inside a bar or a plot is that of the page.

import { barShape, extentOf, HEIGHT } from './bar-chart.js'
import { legendMark, HEIGHT as PLOT, plot, type Series, styleOf } from './growth-chart.js'
import { inSight, Lineup } from './lineup.js'
import { html, type Markup, raw } from './markup.js'
import { type Headline, headlines } from './overview.js'
import type { Saved } from './results.js'
import { chartOf, curveOf } from './sections.js'
import { times } from './units.js'

const WIDTH = 830
const EDGE = 20
const NAME = 200
const ROW = 26
const FIGURE = 155
/** Where the plots of growth begin. */
const TOP = 104
const BAR = WIDTH - 2 * EDGE - NAME - FIGURE

const STYLE = `
.card { fill: #ffffff; stroke: #d9dad6 }
text { fill: #1c1d1f; font: 14px system-ui, sans-serif; font-variant-numeric: tabular-nums }
.title { font-weight: 600 }
.faint, .tick { fill: #5b5e63; font-size: 12px }
rect { fill: #9aa0a6 }
.ours rect { fill: #0f766e }
.ours text { fill: #0f766e; font-weight: 600 }
.wrong rect { fill: #e0e2e4; stroke: #9aa0a6; stroke-dasharray: 3 3 }
.limit rect { fill: #d6c8f3 }
.whisker { stroke: #1c1d1f; stroke-width: 2 }
.mark { stroke: #0f766e; stroke-dasharray: 2 2 }
line.limit { stroke: #6d28d9; stroke-width: 2 }
.tear { stroke: #ffffff; stroke-width: 4 }
.grid { stroke: #d9dad6 }
g line { stroke: currentColor; stroke-width: 2 }
path { fill: currentColor }
.series0 { color: #0f766e } .series1 { color: #1d4f91 } .series2 { color: #b93c0b }
.series3 { color: #7a3fa0 } .series4 { color: #5b5e63 } .series5 { color: #8a6d00 }
@media (prefers-color-scheme: dark) {
.card { fill: #1b1e21; stroke: #33373b }
text { fill: #e9eaec }
.faint, .tick { fill: #a0a5ac }
rect { fill: #777e86 }
.ours rect { fill: #2dd4bf }
.ours text { fill: #2dd4bf }
.wrong rect { fill: #3c4045; stroke: #777e86 }
.limit rect { fill: #4d4266 }
.whisker { stroke: #e9eaec }
.mark { stroke: #2dd4bf }
line.limit { stroke: #c4a5ff }
.tear { stroke: #1b1e21 }
.grid { stroke: #33373b }
.series0 { color: #2dd4bf } .series1 { color: #7fb2f5 } .series2 { color: #fb923c }
.series3 { color: #c99be8 } .series4 { color: #a0a5ac } .series5 { color: #e3c34d }
}`

/** The files, by name; none for what was not measured. */
export function pictures(saved: Saved): Map<string, string> {
  const lineup = new Lineup(saved)
  const found = headlines([...new Set(saved.rows.map(row => row.case))])
  const isOfDocuments = ({ title }: Headline) => title.startsWith('Documents')
  const files = new Map<string, string>()
  const add = (name: string, markup: Markup | undefined) => markup && files.set(name, markup.text)
  add('documents.svg', barPicture('Documents', found.filter(isOfDocuments), lineup))
  add(
    'arrays.svg',
    barPicture(
      'Arrays and small calls',
      found.filter(one => !isOfDocuments(one)),
      lineup,
    ),
  )
  add('growth.svg', growthPicture(lineup))
  return files
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
  for (const { title, cases, op } of shown) {
    const { near, far } = inSight(lineup.means(cases, op))
    const chart = chartOf(near, lineup, title)
    const extent = extentOf(chart)
    const words =
      cases.length > 1
        ? `time in units of ours; geometric mean over ${cases.length}, best to worst`
        : 'time in units of ours'
    content.push(html`<text class="title" x="${EDGE}" y="${y + 16}">${title}</text>
<text class="faint" x="${WIDTH - EDGE}" y="${y + 16}" text-anchor="end">${words}</text>`)
    y += 28
    for (const bar of chart.bars) {
      content.push(html`<g class="${bar.kind}"><text x="${EDGE}" y="${y + 12}">${bar.name}</text>
<svg x="${EDGE + NAME}" y="${y}" width="${BAR}" height="${HEIGHT}" overflow="visible">${barShape(bar, chart, extent)}</svg>
<text x="${WIDTH - EDGE - FIGURE + 52}" y="${y + 12}" text-anchor="end">${bar.figure}</text>
<text class="faint" x="${WIDTH - EDGE}" y="${y + 12}" text-anchor="end">${bar.note}</text></g>`)
      y += ROW
    }
    if (far.length > 0) {
      const words = far.map(({ name, x }) => `${name} ${times(x)}`).join(', ')
      content.push(html`<text class="faint" x="${EDGE}" y="${y + 12}">slower: ${words}</text>`)
      y += ROW
    }
    y += 14
  }
  return card(`${title}: how many times longer others take than outband`, y + 26, content, lineup.saved)
}

function growthPicture(lineup: Lineup): Markup | undefined {
  const curves = [
    ...new Set(lineup.saved.rows.filter(({ at }) => at !== undefined).map(row => row.case)),
  ].slice(0, 3)
  if (curves.length === 0) return undefined
  const wide = (WIDTH - EDGE * (curves.length + 1)) / curves.length
  const all = new Map<string, Series>()
  const panels = curves.map((name, i) => {
    const { title, series, label } = curveOf(name, lineup)
    for (const one of series) all.set(one.name, one)
    const x = EDGE + i * (wide + EDGE)
    const lines = wrapped(title, wide / 7.5)
    const head = lines.map(
      (words, row) => html`<text class="faint" x="${x}" y="${76 + row * 16}">${words}</text>`,
    )
    return html`${head}
<svg x="${x}" y="${TOP}" width="${wide}" height="${PLOT}" overflow="visible">${plot(title, series, label)}</svg>`
  })
  const legend = [...all.values()].map(
    (one, i) =>
      html`<svg x="${EDGE + i * 170}" y="${EDGE}" width="160" height="14" overflow="visible" class="${styleOf(one)}">${legendMark(one)}<text x="18" y="11">${one.name}</text></svg>`,
  )
  return card(
    'Growth: time against size, both axes logarithmic',
    TOP + PLOT + 44,
    [...legend, ...panels],
    lineup.saved,
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
