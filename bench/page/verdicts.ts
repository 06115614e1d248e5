// The bars of `../bars.ts` and what came out of them, passed or short.

import type { Verdict } from '../bars.js'
import { html, type Markup } from './markup.js'
import { folded } from './tables.js'

/** The bars, each in one line: what was wanted, what was got. The roles stay when a phone lays the cells out anew. */
export function verdicts(found: readonly Verdict[]): Markup | undefined {
  if (found.length === 0) return undefined
  const judged = found.filter(({ got }) => got !== 'not run')
  const passed = judged.filter(({ passed }) => passed).length
  return html`
<section id="bars"><h2>What was to be reached</h2>
<p class="lead">${passed} of ${judged.length} passed. Ratios inside one run: what must hold, what the goal is, and what came out.${judged.length < found.length ? ` ${found.length - judged.length} did not run.` : ''}</p>
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
