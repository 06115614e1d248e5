// The report as one page that needs nothing else: no script, no font, no other file.

import { groupsOf } from './groups.js'
import { Lineup } from './lineup.js'
import { html, type Markup, raw } from './markup.js'
import { machine, overview } from './overview.js'
import type { Saved } from './results.js'
import { groupSection } from './sections.js'
import { contestantTable, folded, table } from './tables.js'
import { verdicts } from './verdicts.js'

/** The text of the page; `style` is its style sheet. */
export function page(saved: Saved, style: string): string {
  const lineup = new Lineup(saved)
  const names = [...new Set(saved.rows.map(row => row.case))]
  const groups = groupsOf(names)
  return `<!doctype html>\n${
    html`<html lang="en"><head><meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light dark" />
<title>outband: benchmark report</title>
<link rel="icon" href="data:," />
<style>${raw(style)}</style></head>
<body><main>
<header>
<fieldset class="theme"><legend>Colours</legend>${themes}</fieldset>
<h1>outband: benchmark report</h1>
<p class="lead">How long others take for the same work, in units of outband’s own time. Each pair was measured turn by turn in one process; bars that are shorter than the line at 1x are faster than outband.</p>
${machine(saved)}
<nav aria-label="Sections">${saved.verdicts.length > 0 ? html`<a href="#bars">What was to be reached</a>` : undefined} ${groups.map(({ id, title }) => html`<a href="#${id}">${title}</a> `)}<a href="#contestants">Contestants</a></nav>
</header>
${overview(names, lineup)}
${verdicts(saved.verdicts)}
${reading}
${groups.map(group => groupSection(group, lineup))}
<section id="contestants"><h2>Contestants</h2>
<p class="lead">Small values that are hard to carry went through each of them: what came back different, or not at all, is lost.</p>
${contestantTable(saved)}</section>
${absentees(saved)}
<footer><p>Drawn from <code>results.json</code>, which lies beside this page: <code>npm run bench:report -- bench/report/results.json</code> draws it anew. Method, how to reproduce it, and what is known to be unfair: <code>bench/README.md</code>.</p></footer>
</main></body></html>
`.text
  }`
}

const themes: readonly Markup[] = ['auto', 'light', 'dark'].map(
  (name, i) =>
    html`<label><input type="radio" name="theme" id="theme-${name}"${i === 0 ? raw(' checked="checked"') : undefined} /> ${name}</label> `,
)

const reading = html`
<section id="reading"><h2>How to read a bar</h2>
<ul class="reading">
<li><b>Length and x</b>: the time in units of ours, where the two met in one process. 2.00x takes twice as long as outband; what takes less is marked in orange.</li>
<li><b>Time</b>: the median for one value, and ± half the distance between the quartiles. Times of two rivals come from two processes: compare their x.</li>
<li><b>Thin line</b>: the middle half of the turns; one without a foot leaves the picture. A notch near the end of a bar: it goes on.</li>
<li><b>Dashed bar</b>: the answer was not what was sent; <b>loses 11 of 27</b>, say: of as many small values that are hard to carry, so many came back different or not at all; <b>stateful</b>: its receiver needs state from outside the message.</li>
<li>Of each library the fastest setting is drawn, and the most faithful; means are of the latter. The others are in the tables. Who takes more than 5 times as long is told in words, but for the first three.</li>
</ul></section>`

function absentees({ absent }: Saved): Markup | undefined {
  if (absent.length === 0) return undefined
  const body = absent.map(({ case: name, name: who, why }) => [name, who, why])
  return html`
<section id="absent"><h2>Left out</h2>
${folded(`${absent.length} times somebody did not take part, and why`, table('Left out', ['case', 'contestant', 'why'], body))}</section>`
}
