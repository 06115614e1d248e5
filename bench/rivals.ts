// Everyone else, each in its best documented configuration, opened afresh for each value: record definitions
// and caches then hold what that value needs and nothing else. A new rival is one row.

import { Deserializer, deserialize, Serializer, serialize } from 'node:v8'
import { Decoder, Encoder } from '@msgpack/msgpack'
import { Encoder as Cbor } from 'cbor-x'
import * as devalue from 'devalue'
import { Packr } from 'msgpackr'
import * as seroval from 'seroval'
import superjson from 'superjson'
import { type AnyTable, columnOf } from '../src/cli/datasets.js'
import { footprint } from '../src/cli/memory.js'
import { type Contestant, codec, loop, type Traits } from './contestant.js'

const MIB = 2 ** 20
/** Text has nothing for typed arrays, and takes a hundred times as long. */
const TEXT_BYTES = 2 ** 16

const length = (bytes: Uint8Array): number => bytes.byteLength
const hasNoBuffer = (value: unknown): string | undefined =>
  footprint(value).views.length === 0 ? 'no buffer to put out of band' : undefined
const utf8 = (text: string): number => Buffer.byteLength(text)

function msgpackr(
  name: string,
  options: () => ConstructorParameters<typeof Packr>[0],
  traits?: Traits,
): Contestant {
  const make = () => {
    const packr = new Packr(options())
    return {
      encode: (value: unknown) => packr.pack(value),
      decode: (wire: Buffer) => packr.unpack(wire),
      byteLength: length,
    }
  }
  return codec(name, `new Packr(${written(options())})`, make, {
    family: familyOf('msgpackr', options()),
    maxBytes: 64 * MIB,
    ...traits,
  })
}

function cborX(
  name: string,
  options: () => ConstructorParameters<typeof Cbor>[0],
  traits?: Traits,
): Contestant {
  const make = () => {
    const cbor = new Cbor(options())
    return {
      encode: (value: unknown) => cbor.encode(value),
      decode: (wire: Buffer) => cbor.decode(wire),
      byteLength: length,
    }
  }
  return codec(name, `new Encoder(${written(options())})`, make, {
    family: familyOf('cbor-x', options()),
    maxBytes: 64 * MIB,
    ...traits,
  })
}

function text(
  name: string,
  about: string,
  encode: (value: unknown) => string,
  decode: (text: string) => unknown,
  traits?: Traits & Partial<Pick<Contestant, 'family' | 'refuses'>>,
): Contestant {
  return codec(name, about, () => ({ encode, decode, byteLength: utf8 }), { maxBytes: TEXT_BYTES, ...traits })
}

/** A codec that has bundled strings once reads and writes all others more slowly: the settings do not meet. */
const familyOf = (library: string, options?: { bundleStrings?: boolean }): string =>
  options?.bundleStrings ? `${library} bundle` : library

const written = (options: object = {}): string =>
  Object.keys(options).length === 0
    ? ''
    : JSON.stringify(options)
        .replaceAll('"', '')
        .replaceAll(/([:,])/g, '$1 ')

export const rivals: readonly Contestant[] = [
  msgpackr('msgpackr', () => ({})),
  msgpackr('msgpackr bundle', () => ({ bundleStrings: true }), { variant: true }),
  msgpackr('msgpackr shared', () => ({ structures: [] }), { stateful: true, variant: true }),
  msgpackr('msgpackr sc', () => ({ structuredClone: true, moreTypes: true })),
  msgpackr('msgpackr sc bundle', () => ({ structuredClone: true, moreTypes: true, bundleStrings: true }), {
    variant: true,
  }),
  cborX('cbor-x', () => ({})),
  cborX('cbor-x bundle', () => ({ bundleStrings: true }), { variant: true }),
  cborX('cbor-x shared', () => ({ structures: [] }), { stateful: true, variant: true }),
  cborX('cbor-x sc', () => ({ structuredClone: true })),
  cborX('cbor-x sc bundle', () => ({ structuredClone: true, bundleStrings: true }), { variant: true }),
  codec(
    '@msgpack/msgpack',
    'one Encoder and one Decoder, reused',
    () => {
      const encoder = new Encoder()
      const decoder = new Decoder()
      return {
        encode: value => encoder.encode(value),
        decode: wire => decoder.decode(wire),
        byteLength: length,
      }
    },
    { family: 'others', maxBytes: 64 * MIB, variant: true },
  ),
  codec(
    'v8',
    'v8.serialize, v8.deserialize',
    () => ({ encode: serialize, decode: deserialize, byteLength: length }),
    { family: 'platform', maxBytes: 64 * MIB },
  ),
  v8Transfer(),
  {
    name: 'structuredClone',
    family: 'platform',
    about: 'structuredClone(value), which cannot be taken apart',
    maxBytes: 64 * MIB,
    growth: true,
    open: value => ({
      ops: { both: loop(() => structuredClone(value)) },
      result: () => structuredClone(value),
    }),
  },
  text('JSON', 'JSON.stringify, JSON.parse', JSON.stringify, JSON.parse, { family: 'platform' }),
  codec(
    'JSON buffer',
    'Buffer.from(JSON.stringify(value)), JSON.parse(buffer.toString())',
    () => ({
      encode: value => Buffer.from(JSON.stringify(value)),
      decode: wire => JSON.parse(wire.toString()),
      byteLength: length,
    }),
    { family: 'platform', maxBytes: TEXT_BYTES, variant: true },
  ),
  text('devalue', 'devalue.stringify, devalue.parse', value => devalue.stringify(value), devalue.parse, {
    family: 'others',
    variant: true,
  }),
  serovalEval(),
  text('superjson', 'superjson.stringify, superjson.parse', superjson.stringify, superjson.parse, {
    family: 'others',
    variant: true,
    // It walks every path to a shared object anew, which takes for ever on a graph.
    refuses: value => (footprint(value).revisits > 100 ? 'exponential in shared references' : undefined),
  }),
  arrowIpc(),
]

/**
 * Its text is code, read by eval, and V8 keeps what it compiled for a text it has seen. Messages differ from one
 * another, so each reading here gets a comment of its own; without it, decode would be timed without its parser.
 */
function serovalEval(): Contestant {
  let readings = 0
  const about = 'seroval.serialize, seroval.deserialize (eval)'
  return text('seroval', about, seroval.serialize, wire => seroval.deserialize(`${wire}//${readings++}`), {
    family: 'others',
    variant: true,
  })
}

/** Node's own way of sending ArrayBuffers out of band: ids by hand, the list of buffers made by hand. */
function v8Transfer(): Contestant {
  const make = (value: unknown) => {
    const list = [...footprint(value).backings] as ArrayBuffer[]
    const bytes = list.reduce((sum, buffer) => sum + buffer.byteLength, 0)
    return {
      encode: (value: unknown) => {
        const serializer = new Serializer()
        for (let id = 0; id < list.length; id++) serializer.transferArrayBuffer(id, list[id]!)
        serializer.writeHeader()
        serializer.writeValue(value)
        return serializer.releaseBuffer()
      },
      decode: (wire: Buffer) => {
        const deserializer = new Deserializer(wire)
        for (let id = 0; id < list.length; id++) deserializer.transferArrayBuffer(id, list[id]!)
        deserializer.readHeader()
        return deserializer.readValue()
      },
      byteLength: (wire: Buffer) => wire.byteLength + bytes,
    }
  }
  return codec('v8 transfer', 'v8.Serializer + transferArrayBuffer, ids and list by hand', make, {
    family: 'platform',
    growth: true,
    refuses: hasNoBuffer,
  })
}

/** Arrow's own stream. The table is there before the clock starts, as it is for whoever uses Arrow. */
function arrowIpc(): Contestant {
  const make = async (value: unknown) => {
    const { makeVector, Table, tableFromIPC, tableToIPC, vectorFromArray } = await import('apache-arrow')
    const { schema, rows, columns } = value as AnyTable
    const vectors = Object.entries(columns).map(
      ([name, column]) =>
        [
          name,
          ArrayBuffer.isView(column) ? makeVector(column as Float32Array) : vectorFromArray(column),
        ] as const,
    )
    const table = new Table(Object.fromEntries(vectors))
    return {
      encode: () => tableToIPC(table, 'stream'),
      decode: (wire: Uint8Array): AnyTable => {
        const read = tableFromIPC(wire)
        const arrived = schema.map(({ name }) => [name, columnOf(read.getChild(name)!)])
        return { schema, rows, columns: Object.fromEntries(arrived) }
      },
      byteLength: length,
    }
  }
  return codec('arrow ipc', "tableToIPC(table, 'stream'), tableFromIPC", make, { kinds: ['table'] })
}
