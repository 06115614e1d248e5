// Other formats, each against the library that writes it: what lifting, limits and buffers out of band cost or save. And
// one field of a large document, read in place.

import { Encoder as Cbor } from 'cbor-x'
import { encode as encodeFlex, toObject } from 'flatbuffers/js/flexbuffers.js'
import { Packr } from 'msgpackr'
import { cbor } from '../src/formats/cbor.js'
import { flexbuffers, open } from '../src/formats/flexbuffers.js'
import { msgpack } from '../src/formats/msgpack.js'
import { decode, type EncodeOptions, encode, type Format, type Packet } from '../src/index.js'
import { type Carried, type Contestant, codec, loop, type Session } from './contestant.js'

function ours(on: Carried, format: Format, name: string, options?: EncodeOptions): Contestant {
  const make = () => ({
    encode: (value: unknown) => encode(value, { format, ...options }),
    decode: (packet: Packet) => decode(packet, { format }),
    byteLength: ({ meta, buffers }: Packet) =>
      buffers.reduce((sum, { byteLength }) => sum + byteLength, meta.byteLength),
  })
  const given = options ? `, ${JSON.stringify(options).slice(1, -1)}` : ''
  return codec(name, `encode(value, { format: ${format.name}${given} })`, make, {
    family: 'outband',
    ours: true,
    on,
  })
}

interface Library {
  encode(value: unknown): Uint8Array
  decode(wire: Uint8Array): unknown
}

function library(on: Carried, name: string, about: string, make: () => Library): Contestant {
  const opened = () => {
    const one = make()
    return {
      encode: (value: unknown) => one.encode(value),
      decode: (wire: Uint8Array) => one.decode(wire),
      byteLength: (wire: Uint8Array) => wire.byteLength,
    }
  }
  return codec(name, about, opened, { on, family: 'library' })
}

const PLAIN = { useRecords: false, variableMapSize: true }
const TRACKED = { ...PLAIN, structuredClone: true }

const pairs: readonly Contestant[] = [
  ours('msgpack', msgpack, 'outband msgpack'),
  ours('msgpack', msgpack, 'outband msgpack tree', { references: false }),
  library(
    'msgpack',
    'msgpackr plain',
    'new Packr({ useRecords: false, variableMapSize: true })',
    () => new Packr(PLAIN),
  ),
  library(
    'msgpack',
    'msgpackr tracked',
    'the same with structuredClone: it keeps identity',
    () => new Packr(TRACKED),
  ),
  ours('cbor', cbor, 'outband cbor'),
  ours('cbor', cbor, 'outband cbor tree', { references: false }),
  library(
    'cbor',
    'cbor-x plain',
    'new Encoder({ useRecords: false, variableMapSize: true })',
    () => new Cbor(PLAIN),
  ),
  library(
    'cbor',
    'cbor-x tracked',
    'the same with structuredClone: it keeps identity',
    () => new Cbor(TRACKED),
  ),
  ours('flexbuffers', flexbuffers, 'outband flexbuffers'),
  ours('flexbuffers', flexbuffers, 'outband flexbuffers tree', { references: false }),
  library('flexbuffers', 'flexbuffers', 'flexbuffers.encode, flexbuffers.toObject', () => ({
    encode: encodeFlex,
    decode: wire => toObject(wire.buffer as ArrayBuffer),
  })),
]

interface Wide {
  readonly rows: readonly { readonly name: string }[]
}

/** Reads the name of a row in the middle of a document that has arrived. */
function field<Wire>(
  name: string,
  about: string,
  isOurs: boolean,
  encode: (value: unknown) => Wire,
  decode: (wire: Wire) => unknown,
  read = (wire: Wire, row: number): unknown => (decode(wire) as Wide).rows[row]!.name,
): Contestant {
  const start = (value: unknown): Session => {
    const wire = encode(value)
    const row = (value as Wide).rows.length >> 1
    return { ops: { 'one field': loop(() => read(wire, row)) }, result: () => decode(wire) }
  }
  return { name, about, family: isOurs ? 'outband' : name, ours: isOurs, on: 'field', open: start }
}

const packed = new Packr(PLAIN)
const asFlex = (value: unknown): Packet => encode(value, { format: flexbuffers })
const fromFlex = (packet: Packet): unknown => decode(packet, { format: flexbuffers })

const fields: readonly Contestant[] = [
  field('flexbuffers open', 'open(packet).get(…).toValue()', true, asFlex, fromFlex, (packet, row) =>
    open(packet).get('rows', row, 'name')?.toValue(),
  ),
  field('flexbuffers decode', 'decode(packet, { format: flexbuffers }).rows[…].name', true, asFlex, fromFlex),
  field('outband decode', 'decode(packet).rows[…].name', true, encode, decode),
  field(
    'msgpackr decode',
    'packr.unpack(wire).rows[…].name',
    false,
    value => packed.pack(value),
    wire => packed.unpack(wire),
  ),
  field('JSON decode', 'JSON.parse(text).rows[…].name', false, JSON.stringify, JSON.parse),
]

export const formatContestants: readonly Contestant[] = [...pairs, ...fields]
