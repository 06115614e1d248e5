/** Results that were made up, for specs that judge and compare them. */
import type { Results, Row, Standing } from '../../bench/board.js'

const standing = (about: string, more: Partial<Standing> = {}): Standing => ({
  ours: false,
  stateful: false,
  about,
  kept: ['-0', 'identity'],
  lost: [],
  ...more,
})

export const CONTESTANTS: Readonly<Record<string, Standing>> = {
  outband: standing('we', { ours: true }),
  'outband tree': standing('we, without identity', { ours: true, kept: ['-0'], lost: ['identity'] }),
  exact: standing('a rival that keeps identity'),
  loose: standing('one that does not', { kept: [], lost: ['-0', 'identity'] }),
  told: standing('one that needs more than the message', { stateful: true }),
  copy: standing('no rival', { limit: true }),
  snake: standing('in another language', { foreign: 'Python' }),
}

/** A row of `codec/rpc`, both ways, whose turns hardly differ, unless it is said otherwise. */
export function row(contestant: string, heat: string, medianNs: number, more: Partial<Row> = {}): Row {
  return {
    case: 'codec/rpc',
    heat,
    contestant,
    op: 'both',
    per: 1,
    medianNs,
    q1Ns: 0.99 * medianNs,
    q3Ns: 1.01 * medianNs,
    turns: 9,
    batch: 1,
    lost: [],
    ...more,
  }
}

export function results(rows: readonly Row[], more: Partial<Results> = {}): Results {
  return {
    machine: {
      cpu: 'a processor',
      cores: 2,
      memoryBytes: 2 ** 30,
      node: 'v20',
      platform: 'linux x64',
      date: '2026-01-31',
      plan: 'full',
      versions: {},
    },
    cases: { 'codec/rpc': { about: 'a small call' } },
    contestants: CONTESTANTS,
    rows,
    absent: [],
    ...more,
  }
}
