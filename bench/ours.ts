// Ourselves, as anyone would call us.

import { copiedByCodec, footprint } from '../src/cli/memory.js'
import { decode, type EncodeOptions, encode, type Packet } from '../src/index.js'
import { type Contestant, codec, type Traits } from './contestant.js'

function outband(
  name: string,
  about: string,
  options?: EncodeOptions,
  traits?: Traits & Pick<Contestant, 'refuses'>,
): Contestant {
  const make = () => ({
    encode: (value: unknown) => encode(value, options),
    decode: (packet: Packet) => decode(packet),
    byteLength: ({ meta, buffers }: Packet) =>
      buffers.reduce((sum, { byteLength }) => sum + byteLength, meta.byteLength),
    copied: (value: unknown, packet: Packet) => copiedByCodec(value, packet, decode(packet)),
  })
  return codec(name, about, make, { family: 'outband', ours: true, ...traits })
}

/** Families of rivals that keep no identity, or not all of them. */
const LOOSE = [
  'msgpackr',
  'msgpackr bundle',
  'cbor-x',
  'cbor-x bundle',
  '@msgpack/msgpack',
  'platform',
  'text',
]

export const ours: readonly Contestant[] = [
  outband('outband', 'encode(value), decode(packet)', undefined, { growth: true }),
  outband(
    'outband tree',
    'encode(value, { references: false }): no identity, as most rivals',
    {
      references: false,
    },
    { against: LOOSE, kinds: ['message', 'document', 'unseen', 'graph'] },
  ),
  outband(
    'outband t0',
    'encode(value, { threshold: 0 }): every buffer out of band',
    { threshold: 0 },
    {
      growth: true,
      refuses: value => (footprint(value).views.length === 0 ? 'no buffer to put out of band' : undefined),
    },
  ),
]
