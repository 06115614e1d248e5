// What is seen first: machine and date, and a few means that say what the rest of the page says at length.

import type { WorkloadKind } from '../../fixtures/workloads.js'
import { kindOf, workloadOf } from './groups.js'
import type { Lineup } from './lineup.js'
import { html, type Markup } from './markup.js'
import type { Saved } from './results.js'
import { bars } from './sections.js'
import { bytes } from './units.js'

export interface Headline {
  readonly title: string
  readonly kind?: WorkloadKind
  readonly cases: readonly string[]
  readonly op?: string
}

interface Rule {
  readonly title: string
  readonly prefix: string
  readonly kind?: WorkloadKind
  readonly workload?: string
  readonly op?: string
}

const RULES: readonly Rule[] = [
  { title: 'Documents, encoded and decoded', prefix: 'codec', kind: 'document' },
  { title: 'An array of 1 MiB, encoded and decoded', prefix: 'codec', workload: 'tensor-1MiB' },
  { title: 'Documents to a thread, by its port', prefix: 'port', kind: 'document', op: 'one way' },
  { title: 'A small call to a thread, by a ring', prefix: 'ring', workload: 'rpc', op: 'one way' },
  { title: 'Arrays of 8 MiB to a process, by a Unix socket', prefix: 'socket', workload: 'tensor-8MiB' },
  { title: 'Arrays of 8 MiB to a child process', prefix: 'process', workload: 'tensor-8MiB' },
]

/** The means that there are cases for. */
export function headlines(names: readonly string[]): Headline[] {
  return RULES.map(({ title, prefix, kind, workload, op }) => ({
    title,
    ...(kind !== undefined && { kind }),
    cases: names.filter(
      name =>
        name.startsWith(`${prefix}/`) &&
        (kind === undefined || kindOf(name) === kind) &&
        (workload === undefined || workloadOf(name) === workload),
    ),
    ...(op !== undefined && { op }),
  })).filter(({ cases }) => cases.length > 0)
}

export function overview(names: readonly string[], lineup: Lineup): Markup | undefined {
  const found = headlines(names)
  if (found.length === 0) return undefined
  return html`
<section id="overview"><h2>In short</h2>
<div class="charts few">${found.map(headline => meanChart(headline, lineup))}</div></section>`
}

function meanChart({ title, cases, op }: Headline, lineup: Lineup): Markup {
  const means = lineup.means(cases, op)
  const about =
    cases.length === 1
      ? lineup.saved.cases[cases[0]!]?.about
      : `Geometric mean over ${cases.length}: ${cases.map(workloadOf).join(', ')}; the thin line goes from the best to the worst`
  return html`<article><h3>${title}</h3><p class="about">${about}</p>${bars(means, lineup, title)}</article>`
}

/** What every figure has to be read with. */
export function machine({
  machine: { cpu, cores, node, platform, date, plan, versions, ...more },
}: Saved): Markup {
  const others = Object.entries(more).map(([name, value]) => `, ${fact(name, value)}`)
  const packages = Object.entries(versions ?? {}).map(([name, version]) => `${name} ${version}`)
  const warning = html`<p class="warning">A ${plan} run: short samples, for a look and not for the record.</p>`
  return html`
<p class="machine"><b>${cpu}</b>, ${cores} cores, ${platform}, Node ${node}${others}; <time datetime="${date}">${date}</time></p>
<p class="machine">${packages.join(', ')}</p>${plan === 'full' ? undefined : warning}`
}

/** `16.8 GB of memory` for `memoryBytes`; what else there is by its own name. */
function fact(name: string, value: unknown): string {
  const thing = /^(.*)Bytes$/.exec(name)?.[1]
  return thing === undefined ? `${name} ${value}` : `${bytes(Number(value))} of ${thing}`
}
