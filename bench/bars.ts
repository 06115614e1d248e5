// The bars: what must hold on any machine, each a ratio inside one run. A bar is not judged when a case it
// needs was filtered out, and says so.

import { BUFFERS, NODES } from '../fixtures/workloads.js'
import { type Board, geometricMean } from './board.js'
import { receivingPeak } from './peak.js'
import { bundleSize } from './size.js'

export interface Verdict {
  readonly bar: string
  readonly what: string
  readonly must: string
  readonly goal: string
  /** The measured figure; NaN when a contestant is missing. */
  readonly got: string
  readonly passed: boolean
  readonly notes: readonly string[]
}

interface Bar {
  readonly bar: string
  readonly what: string
  readonly cases: readonly string[]
  judge(board: Board): Omit<Verdict, 'bar' | 'what'> | Promise<Omit<Verdict, 'bar' | 'what'>>
}

const DOCUMENTS = ['records', 'movies', 'earthquakes', 'football', 'us-10m', 'cars', 'budget'].map(
  name => `codec/${name}`,
)
const PORT_DOCUMENTS = DOCUMENTS.map(name => name.replace('codec/', 'port/'))
const GIB = 2 ** 30
const BUNDLE_MUST = 10_000
const BUNDLE_GOAL = 6000

export const bars: readonly Bar[] = [
  {
    bar: 'P1',
    what: 'documents, vs msgpackr and cbor-x at equal fidelity',
    cases: DOCUMENTS,
    judge: board => {
      const means = ['msgpackr sc', 'cbor-x sc'].map(rival => meanRatio(board, rival))
      const bundled = ['msgpackr sc bundle', 'cbor-x sc bundle'].map(rival =>
        named(rival, meanRatio(board, rival)),
      )
      return faster(Math.min(...means), 1.4, 2, [
        `msgpackr sc ${times(means[0]!)}, cbor-x sc ${times(means[1]!)}`,
        `with bundleStrings: ${bundled.join(', ')}`,
      ])
    },
  },
  {
    bar: 'P2',
    what: 'documents one by one, vs the fastest rival at any fidelity',
    cases: DOCUMENTS,
    judge: board => {
      const ratios = DOCUMENTS.map(name => fastest(board, name))
      const worst = Math.min(...ratios.map(({ ratio }) => ratio))
      const mean = geometricMean(ratios.map(({ ratio }) => ratio))
      return {
        ...faster(worst, 1, 1, [`mean ${times(mean)}`, ...ratios.map(described)]),
        goal: 'mean 1.5x',
      }
    },
  },
  {
    bar: 'P3',
    what: 'documents, vs structuredClone',
    cases: DOCUMENTS,
    judge: board => faster(meanRatio(board, 'structuredClone'), 2, 4, []),
  },
  {
    bar: 'P4',
    what: 'rpc, vs the fastest rival',
    cases: ['codec/rpc'],
    judge: board => {
      const strict = fastest(board, 'codec/rpc', () => 'outband')
      return faster(strict.ratio, 1, 1.5, [
        described(strict),
        `or, untracked where it is: ${described(fastest(board, 'codec/rpc'))}`,
      ])
    },
  },
  {
    bar: 'P5',
    what: 'tensor out of band: 1 GiB / 1 KiB, bytes copied',
    cases: ['growth/tensor'],
    judge: board => {
      const [large, small] = [GIB, 2 ** 10].map(at => board.row('growth/tensor', 'outband t0', { at }))
      const copied = large?.copied ?? Number.NaN
      return slower(
        (large?.medianNs ?? Number.NaN) / (small?.medianNs ?? Number.NaN),
        1.5,
        1.1,
        copied === 0,
        [`${copied} bytes copied`],
      )
    },
  },
  {
    bar: 'P6',
    what: 'tensor of 64 KiB, vs v8.Serializer + transferArrayBuffer',
    cases: ['codec/tensor-64KiB'],
    judge: board => {
      const ratio = (mine: string) => board.ratio('codec/tensor-64KiB', 'v8 transfer', mine)
      return faster(ratio('outband'), 4, 8, [named('outband t0', ratio('outband t0'))])
    },
  },
  {
    bar: 'P7',
    what: 'port, one way, rpc, vs raw postMessage',
    cases: ['port/rpc'],
    judge: board => {
      const ratio = (mine: string) => board.ratio('port/rpc', 'postMessage', mine)
      return faster(ratio('outband port'), 1, 3, [named('channel', ratio('outband channel'))])
    },
  },
  {
    bar: 'P8',
    what: 'port, one way, documents, vs raw postMessage',
    cases: PORT_DOCUMENTS,
    judge: board => {
      const ratios = PORT_DOCUMENTS.map(name => board.ratio(name, 'postMessage', 'outband port'))
      return faster(geometricMean(ratios), 2, 4, [
        PORT_DOCUMENTS.map((name, i) => named(name, ratios[i]!)).join(', '),
      ])
    },
  },
  {
    bar: 'P9',
    what: 'port, 1 MiB: moved vs a transfer list by hand; copied vs a clone',
    cases: ['port/tensor-1MiB'],
    judge: board => {
      const ratio = (op: string) => board.ratio('port/tensor-1MiB', 'postMessage', 'outband port', { op })
      const [moved, copied] = [ratio('there and back'), ratio('one way')]
      return {
        must: '≥ 0.85x; ≥ 1.3x',
        goal: '1x; 2x',
        got: `${times(moved)}; ${times(copied)}`,
        passed: moved >= 0.85 && copied >= 1.3,
        notes: [],
      }
    },
  },
  {
    bar: 'P10',
    what: 'ring in shared memory, one way, rpc, vs raw postMessage',
    cases: ['ring/rpc'],
    judge: board => {
      const ratio = (rival: string) => board.ratio('ring/rpc', rival, 'outband ring')
      return faster(ratio('object by postMessage'), 4, 10, [
        named('outband port', ratio('object by outband port')),
      ])
    },
  },
  {
    bar: 'P11',
    what: 'Unix socket, 8 MiB arrays: vs raw bytes; vs msgpackr',
    cases: ['socket/tensor-8MiB'],
    judge: board => {
      const ratio = (rival: string) => board.ratio('socket/tensor-8MiB', rival, 'outband socket')
      const [raw, msgpackr] = [ratio('raw socket'), ratio('msgpackr socket')]
      return {
        must: '≥ 0.85x; ≥ 2x',
        goal: '0.95x; 3x',
        got: `${times(raw)}; ${times(msgpackr)}`,
        passed: raw >= 0.85 && msgpackr >= 2,
        notes: [],
      }
    },
  },
  {
    bar: 'P12',
    what: 'peak memory of who receives 1 GiB over a socket / the message',
    cases: [],
    judge: async () => {
      const { peakBytes, messageBytes } = await receivingPeak()
      return slower(peakBytes / messageBytes, 1.1, 1.02, true, [
        `${peakBytes} bytes at most, beyond those at rest`,
      ])
    },
  },
  {
    bar: 'P13',
    what: 'child process, 8 MiB arrays vs fork advanced: socket; shared memory written in place',
    cases: ['process/tensor-8MiB'],
    judge: board => {
      const ratio = (ours: string) => board.ratio('process/tensor-8MiB', 'fork advanced', ours)
      const [socket, inPlace] = [ratio('outband process'), ratio('outband in place')]
      return {
        must: '≥ 2.5x; ≥ 50x',
        goal: '4x; O(1)',
        got: `${times(socket)}; ${times(inPlace)}`,
        passed: socket >= 2.5 && inPlace >= 50,
        notes: [`${times(ratio('outband memory'))} when it is copied in`],
      }
    },
  },
  {
    bar: 'P14',
    what: 'copying 8 MiB into shared memory, vs memcpy',
    cases: ['memory/tensor-8MiB'],
    judge: board => {
      const ratio = (mine: string, op: string) => board.ratio('memory/tensor-8MiB', 'memcpy', mine, { op })
      const [named, unnamed] = ['outband shm', 'outband unnamed'].map(mine => ratio(mine, 'copy'))
      return faster(Math.min(named!, unnamed!), 0.8, 0.95, [
        `by name ${times(named!)}, without ${times(unnamed!)}`,
        `made, copied to and given back every time: ${times(ratio('outband shm', 'fresh copy'))}`,
      ])
    },
  },
  {
    bar: 'P15',
    what: 'core, minified and gzipped',
    cases: [],
    judge: async () => {
      const size = await bundleSize()
      return {
        must: `≤ ${BUNDLE_MUST} B`,
        goal: `${BUNDLE_GOAL} B`,
        got: `${size.gzipped} B`,
        passed: size.gzipped <= BUNDLE_MUST,
        notes: [`minified ${size.minified} B`],
      }
    },
  },
  {
    bar: 'F1',
    what: 'formats, documents: time / that of the bare library',
    cases: ['msgpack', 'cbor'].flatMap(format => DOCUMENTS.map(name => name.replace('codec', format))),
    judge: board => {
      const ratios = ['msgpack', 'cbor'].map(format => ({
        format,
        // The same bytes and the same fidelity: without identity against without it, and with it against with it.
        tree: bareRatio(board, format, 'plain', 'tree'),
        whole: bareRatio(board, format, 'tracked'),
      }))
      const worst = Math.max(...ratios.flatMap(({ tree, whole }) => [tree, whole]))
      return slower(
        worst,
        1.25,
        1,
        true,
        ratios.map(
          ({ format, tree, whole }) => `${format}: tree ${times(tree)}, with identity ${times(whole)}`,
        ),
      )
    },
  },
  {
    bar: 'F2',
    what: 'formats, tensor of 64 KiB out of band, vs the bare library',
    cases: ['msgpack/tensor-64KiB', 'cbor/tensor-64KiB'],
    judge: board => {
      const ratios = Object.keys(BARE).map(format =>
        board.ratio(`${format}/tensor-64KiB`, `${BARE[format]} plain`, `outband ${format}`),
      )
      return faster(Math.min(...ratios), 3, 5, [`msgpack ${times(ratios[0]!)}, cbor ${times(ratios[1]!)}`])
    },
  },
  {
    bar: 'F3',
    what: 'one field of 10 MB in place, vs decoding it all',
    cases: ['field/wide'],
    judge: board =>
      faster(
        Math.min(
          ...['msgpackr decode', 'JSON decode'].map(rival =>
            board.ratio('field/wide', rival, 'flexbuffers open', { op: 'one field' }),
          ),
        ),
        100,
        1000,
        [],
      ),
  },
  {
    bar: 'P16',
    what: 'growth: time per node to 1e6, time per buffer to 65 536',
    cases: ['growth/nodes', 'growth/buffers'],
    judge: board => {
      const nodes = curve(board, 'growth/nodes', 'outband', NODES)
      const buffers = curve(board, 'growth/buffers', 'outband t0', BUFFERS)
      return slower(Math.max(growth(nodes), growth(buffers)), 2, 1, true, [
        `nodes ${times(growth(nodes))}: ${nodes.map(ns => ns.toFixed(1)).join(', ')} ns`,
        `buffers ${times(growth(buffers))}: ${buffers.map(ns => ns.toFixed(1)).join(', ')} ns`,
      ])
    },
  },
]

/** Judges every bar whose cases were measured. */
export async function judge(board: Board, some = bars): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for (const { bar, what, cases, judge } of some) {
    const missing = cases.filter(name => !board.has(name))
    if (missing.length === 0) verdicts.push({ bar, what, ...(await judge(board)) })
    else
      verdicts.push({
        bar,
        what,
        must: '',
        goal: '',
        got: 'not run',
        passed: true,
        notes: [`needs ${missing.join(', ')}`],
      })
  }
  return verdicts
}

interface Duel {
  readonly name: string
  readonly rival: string
  readonly mine: string
  readonly ratio: number
  readonly stateful: string
}

/**
 * The rival we beat by least. Against one that keeps no identity we may leave identity out as well. Rivals whose
 * receiver needs state from outside the message are told in a note: their message alone cannot be decoded.
 */
function fastest(
  board: Board,
  name: string,
  mineAgainst = (rival: string) => (board.keepsIdentity(rival) ? 'outband' : 'outband tree'),
): Duel {
  const duels = board.rivals(name).map(({ contestant }) => {
    const mine = mineAgainst(contestant)
    return { name, rival: contestant, mine, ratio: board.ratio(name, contestant, mine) }
  })
  const byRatio = duels.sort((a, b) => a.ratio - b.ratio)
  const [alone] = byRatio.filter(({ rival }) => !board.standing(rival).stateful)
  const [helped] = byRatio.filter(({ rival }) => board.standing(rival).stateful)
  if (!alone) return { name, rival: 'nobody', mine: 'outband', ratio: Number.NaN, stateful: '' }
  return {
    ...alone,
    stateful: helped && helped.ratio < alone.ratio ? ` (${named(helped.rival, helped.ratio)})` : '',
  }
}

const described = ({ name, rival, mine, ratio, stateful }: Duel): string =>
  `${name}: ${mine} vs ${rival} ${times(ratio)}${stateful}`

const meanRatio = (board: Board, rival: string): number =>
  geometricMean(DOCUMENTS.map(name => board.ratio(name, rival)))

/** The library that writes each format. */
const BARE: Readonly<Record<string, string>> = { msgpack: 'msgpackr', cbor: 'cbor-x' }

/** How many times longer a format takes for documents than its library. */
const bareRatio = (board: Board, format: string, setting: string, mine = ''): number =>
  geometricMean(
    DOCUMENTS.map(
      name =>
        1 /
        board.ratio(
          name.replace('codec', format),
          `${BARE[format]} ${setting}`,
          `outband ${format} ${mine}`.trim(),
        ),
    ),
  )

const curve = (board: Board, name: string, contestant: string, sizes: readonly number[]): number[] =>
  sizes.map(
    at => board.time(name, contestant, { at }) / (board.row(name, contestant, { at })?.per ?? Number.NaN),
  )

/** The dearest place of a curve against its first. */
const growth = ([first = Number.NaN, ...rest]: readonly number[]): number => Math.max(...rest) / first

const times = (ratio: number): string => `${ratio.toFixed(2)}x`
const named = (name: string, ratio: number): string => `${name} ${times(ratio)}`

function faster(ratio: number, must: number, goal: number, notes: readonly string[]) {
  return { must: `≥ ${must}x`, goal: `${goal}x`, got: times(ratio), passed: ratio >= must, notes }
}

function slower(ratio: number, must: number, goal: number, also: boolean, notes: readonly string[]) {
  return { must: `≤ ${must}x`, goal: `${goal}x`, got: times(ratio), passed: ratio <= must && also, notes }
}
