/**
 * `npm run fidelity`: takes every row of `fixtures/fidelity.ts` through our own format, the others, and what else there is, and
 * writes `spec/FIDELITY.md`. Everyone is asked in its most faithful configuration, in this process, once a row.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { deserialize, serialize } from 'node:v8'
import { Decoder, Encoder } from '@msgpack/msgpack'
import { Encoder as Cbor } from 'cbor-x'
import * as devalue from 'devalue'
import { Packr } from 'msgpackr'
import * as seroval from 'seroval'
import superjson from 'superjson'
import { type FidelityRow, fidelityRows } from '../fixtures/fidelity.js'
import { cbor } from '../src/formats/cbor.js'
import { flexbuffers } from '../src/formats/flexbuffers.js'
import { msgpack } from '../src/formats/msgpack.js'
import { pickle } from '../src/formats/pickle/index.js'
import { decode, encode, type Format, isOutbandError, type Registry } from '../src/index.js'
import { difference } from './same.js'

interface Carrier {
  readonly name: string
  readonly carry: (value: unknown, types?: Registry) => unknown
}

const ours = (name: string, format?: Format): Carrier => ({
  name,
  carry: (value, types) => decode(encode(value, { format, types }), { format, types }),
})

const own: readonly Carrier[] = [
  ours('outband'),
  ours('msgpack', msgpack),
  ours('cbor', cbor),
  ours('flexbuffers', flexbuffers),
  ours('pickle', pickle),
]

function packer(
  name: string,
  make: () => { encode(value: unknown): Uint8Array; decode(bytes: Uint8Array): unknown },
): Carrier {
  return {
    name,
    carry: value => {
      const one = make()
      return one.decode(one.encode(value))
    },
  }
}

const others: readonly Carrier[] = [
  { name: 'structuredClone', carry: value => structuredClone(value) },
  { name: 'node:v8', carry: value => deserialize(serialize(value)) },
  packer('msgpackr', () => new Packr({ structuredClone: true, moreTypes: true })),
  packer('cbor-x', () => new Cbor({ structuredClone: true })),
  {
    name: '@msgpack/msgpack',
    carry: value => new Decoder().decode(new Encoder().encode(value)),
  },
  { name: 'JSON', carry: value => JSON.parse(JSON.stringify(value)) },
  { name: 'devalue', carry: value => devalue.parse(devalue.stringify(value)) },
  { name: 'superjson', carry: value => superjson.parse(superjson.stringify(value)) },
  { name: 'seroval', carry: value => seroval.deserialize(seroval.serialize(value)) },
]

export type Outcome =
  | { readonly kept: true }
  | { readonly kept: false; readonly cell: string; readonly why: string }

/** What becomes of a row. */
export function outcome({ make, arrives, types }: FidelityRow, { carry }: Carrier): Outcome {
  const sent = make()
  const wanted = arrives?.(sent) ?? sent
  for (const [i, value] of sent.entries()) {
    try {
      const found = difference(wanted[i], carry(value, types))
      if (found !== undefined) return { kept: false, cell: 'lost', why: found }
    } catch (error) {
      const isOurs = isOutbandError(error)
      const why = isOurs ? error.message : String((error as Error)?.message ?? error)
      return { kept: false, cell: isOurs ? `\`${error.code}\`` : 'throws', why }
    }
  }
  return { kept: true }
}

/** The page, as it is to be. */
export function page(): string {
  const carriers = [...own, ...others]
  const lines = fidelityRows.map(row => carriers.map(carrier => outcome(row, carrier)))
  const cells = lines.map((outcomes, i) => [
    fidelityRows[i]!.name,
    ...outcomes.map(found => (found.kept ? 'exact' : found.cell)),
  ])
  const totals = ['**exact**', ...carriers.map((_, i) => `**${lines.filter(line => line[i]!.kept).length}**`)]
  const losses = own.slice(1).map(({ name }, i) => {
    const found = lines.flatMap((line, row) => {
      const one = line[i + 1]!
      return one.kept || one.cell !== 'lost' ? [] : [`- ${fidelityRows[row]!.name}: ${shown(one.why)}`]
    })
    return [`## What \`${name}\` loses`, '', ...found].join('\n')
  })
  return `${[HEAD, [['', ...carriers.map(({ name }) => name)], ['---', ...carriers.map(() => '---')], ...cells, totals].map(tableLine).join('\n'), ...losses].join('\n\n')}\n`
}

/** Engines and what they lack differ: the page holds for one. */
const NODE = process.version.split('.', 1)[0]

const HEAD = `# Fidelity

Written by \`npm run fidelity\` from \`fixtures/fidelity.ts\`; a spec compares. Node ${NODE}. What comes back is compared as a graph: identity,
cycles, −0, holes, prototypes, windows, aliasing, own \`__proto__\` (\`spec/same.ts\`). *exact*: equal; *lost*: something else arrived,
without an error; a code in \`capitals\`: refused with that error, on the way out or in, by design; *throws*: an error of another kind.
Everyone is asked in its most faithful configuration: msgpackr with \`structuredClone\` and \`moreTypes\`, cbor-x with \`structuredClone\`,
the others as they are. Registered classes, which only some can carry, are no row.`

const tableLine = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const shown = (why: string): string => `\`${why.replaceAll('`', "'").slice(0, 120)}\``

export const pagePath = fileURLToPath(new URL('../../spec/FIDELITY.md', import.meta.url))

const [, script, option] = process.argv
if (script === fileURLToPath(import.meta.url)) {
  if (option === '--print') process.stdout.write(page())
  else writeFileSync(pagePath, page())
}
