/**
 * A format: a way to write the metadata stream that is not our own, for peers that read it in other languages.
 * Buffers stay out of band in all of them, untouched, and what `encode` and `decode` promise of buffers, limits and
 * errors holds for each; what else a format loses its page says (`spec/FORMATS.md`).
 */
import { LIMITS, type Limits } from '../limits.js'
import type { Packet, PacketLike } from '../packet.js'
import type { CustomType, Registry } from '../registry.js'
import type { RunSettings } from '../value/runs.js'

/** What encode was asked for, checked. */
export interface FormatEncodeSettings extends RunSettings {
  /** The type of what a carrier takes as it is. */
  readonly host: CustomType | undefined
  readonly types: Registry | undefined
  readonly references: boolean
  readonly strict: boolean
}

/** Of a writer between messages: what was asked for holds callbacks and types of the caller's. */
export const IDLE: FormatEncodeSettings = Object.freeze({
  host: undefined,
  types: undefined,
  bufferCallback: undefined,
  threshold: 0,
  copyShared: false,
  moving: undefined,
  references: true,
  strict: false,
  limits: LIMITS.trusted,
})

/** What decode was asked for, checked. */
export interface FormatDecodeSettings {
  readonly types: Registry | undefined
  readonly limits: Readonly<Limits>
}

/** A way to write metadata, passed as the option `format` of `encode`, `decode`, `Codec` and channels. */
export interface Format {
  readonly name: string
  /** As `encode` of the door: `meta` owns its memory, `buffers` are the caller's (borrow). @throws as it does */
  encode(value: unknown, settings: FormatEncodeSettings): Packet
  /** As `decode` of the door. @throws OutbandError, nothing else */
  decode(packet: PacketLike, settings: FormatDecodeSettings): unknown
}

/** Whether a value is a format. */
export function isFormat(value: unknown): value is Format {
  const { encode, decode } = (value ?? {}) as Partial<Format>
  return typeof encode === 'function' && typeof decode === 'function'
}
