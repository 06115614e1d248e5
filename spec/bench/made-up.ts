/** Results that nobody measured: good ones, such as lack something, and such as mean harm. */

const HOSTILE = `</script></style><img src=x onerror="alert(1)"> &amp; ' \u0000\u0007\ud800 ]]> https://example.org`

const standing = (lost: readonly string[] = [], more: object = {}) => ({
  ours: false,
  stateful: false,
  about: 'called so',
  kept: ['NaN', 'holes', 'Map'].filter(what => !lost.includes(what)),
  lost,
  ...more,
})

export const row = (name: string, contestant: string, medianNs: number | null, more: object = {}) => ({
  case: name,
  heat: 'all',
  contestant,
  op: 'both',
  per: 1,
  lost: [],
  medianNs,
  q1Ns: medianNs === null ? null : medianNs * 0.9,
  q3Ns: medianNs === null ? null : medianNs * 1.2,
  turns: 9,
  batch: 3,
  ...more,
})

/** Two documents, a way to a process with a limit, and a curve. */
export const GOOD = {
  machine: {
    cpu: 'A processor',
    cores: 2,
    node: 'v20.0.0',
    platform: 'linux x64',
    date: '2026-01-02',
    plan: 'full',
    versions: { outband: '0.1.0' },
    memoryBytes: 8e9,
  },
  contestants: {
    outband: standing([], { ours: true }),
    packer: standing(['holes', 'Map']),
    'packer whole': standing(['Map']),
    'packer shared': standing(['Map'], { stateful: true }),
    'packer quick': standing(['holes', 'Map']),
    late: standing(),
    later: standing(),
    latest: standing(),
    'outband socket': standing([], { ours: true }),
    'raw socket': standing(['NaN', 'holes', 'Map'], { limit: true }),
  },
  cases: {
    'codec/movies': { about: 'records' },
    'growth/tensor': { about: 'time of one array', axis: 'bytes' },
  },
  rows: [
    row('codec/movies', 'outband', 1000),
    row('codec/movies', 'packer', 2000, { allocatedBytes: 4321, cpuNs: 2345 }),
    row('codec/movies', 'packer whole', 4000),
    row('codec/movies', 'packer shared', 1500),
    row('codec/movies', 'packer quick', 3000),
    row('codec/movies', 'late', 5000, { lost: ['type'] }),
    row('codec/movies', 'later', 7770),
    row('codec/movies', 'latest', 9990),
    row('codec/movies', 'outband', 600, { op: 'encode' }),
    row('codec/cars', 'outband', 100),
    row('codec/cars', 'packer whole', 100),
    row('socket/tensor-8MiB', 'outband socket', 4000, {
      op: 'one way',
      per: 2,
      peerCpuNs: 3456,
      peakBytes: 8765,
    }),
    row('socket/tensor-8MiB', 'raw socket', 3000, { op: 'one way', per: 2 }),
    ...[10, 20, 20].map((at, i) => row('growth/tensor', 'outband', 50, { at: 2 ** at, heat: `heat ${i}` })),
    ...[10, 20, 30].map(at => row('growth/tensor', 'packer', 2 ** at, { at: 2 ** at })),
  ],
  absent: [{ case: 'codec/cars', name: 'late', why: 'too large' }],
  verdicts: [
    { bar: 'P1', what: 'documents', must: '≥ 1.4x', goal: '2x', got: '1.30x', passed: false, notes: ['so'] },
    { bar: 'P2', what: 'others', must: '≥ 1x', goal: '2x', got: '1.50x', passed: true, notes: [] },
    { bar: 'P3', what: 'more', must: '', goal: '', got: 'not run', passed: true, notes: [] },
  ],
}

type Json = typeof GOOD
const without = (...keys: (keyof Json)[]): object =>
  Object.fromEntries(Object.entries(GOOD).filter(([key]) => !keys.includes(key as keyof Json)))

/** Every text of it, keys too, is hostile. */
const spoilt = (value: unknown): unknown => {
  if (typeof value === 'string') return value.includes('/') ? `${value}${HOSTILE}` : value + HOSTILE
  if (Array.isArray(value)) return value.map(spoilt)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, spoilt(one)]))
}
const hostile = (): object => {
  const { contestants, ...rest } = spoilt(GOOD) as Json
  return {
    ...rest,
    contestants: Object.fromEntries(Object.entries(contestants).map(([name, one]) => [name + HOSTILE, one])),
    rows: GOOD.rows.map(one => ({
      ...one,
      contestant: one.contestant + HOSTILE,
      case: one.case + HOSTILE,
      lost: [HOSTILE],
    })),
    cases: { [`codec/movies${HOSTILE}`]: { about: HOSTILE } },
  }
}

export const results: readonly [name: string, json: object][] = [
  ['everything', GOOD],
  ['what an earlier bench wrote', without('cases', 'verdicts')],
  ['no rows', { ...GOOD, rows: [] }],
  ['nobody and nothing', { ...GOOD, rows: [], contestants: {}, absent: [], verdicts: [] }],
  ['one contestant', { ...GOOD, rows: GOOD.rows.filter(({ contestant }) => contestant === 'packer') }],
  ['no time', { ...GOOD, rows: [row('codec/movies', 'outband', null), row('codec/movies', 'late', 0)] }],
  [
    'of two, one has no time',
    { ...GOOD, rows: [row('codec/movies', 'outband', null), row('codec/movies', 'late', 5)] },
  ],
  ['one size on a curve', { ...GOOD, rows: [row('growth/nodes', 'outband', 5, { at: 1 })] }],
  [
    'cases that no group knows',
    { ...GOOD, rows: [row('pigeon/rpc', 'outband', 5), row('plain', 'late', 5)] },
  ],
  ['hostile text', hostile()],
]
