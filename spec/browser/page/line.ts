/** A wrapped port and its peer, as the suites of ports use them. */
import {
  type PortLike,
  type PostOptions,
  type WrapOptions,
  type Wrapped,
  wrapPort,
} from '../../../src/port/index.js'
import type { suite } from './checks.js'
import type { AnyPort } from './dom.js'
import { heard, type Link } from './links.js'
import { type Question, told } from './peer.js'
import { types } from './types.js'

export type Check = ReturnType<typeof suite>

/** A wrapped port with a peer at its other end. */
export interface Line {
  readonly link: Link
  readonly wrapped: AnyPort & Wrapped
  /** The peer's answer. @throws Error where it had one */
  ask(ask: Question['ask'], value: unknown, options?: PostOptions): Promise<unknown>
}

/** Why a check is passed over. */
export const CANNOT_MOVE = 'nothing moves through a BroadcastChannel'

/** Wraps the port of a link. */
export function lineOf(link: Link, options: WrapOptions = {}): Line {
  const wrapped = wrapPort(link.port as PortLike, { ...link.options, ...told(link.port), types, ...options })
  const face = wrapped as unknown as AnyPort & Wrapped
  face.start?.()
  return {
    link,
    wrapped: face,
    ask: async (ask, value, options) => {
      face.postMessage({ ask, value } satisfies Question, options)
      const { data } = await heard(face)
      const failed = (data as { readonly failed?: unknown } | undefined | null)?.failed
      if (typeof failed === 'string') throw new Error(`the peer failed: ${failed}`)
      return data
    },
  }
}

/** A part of memory with something else on both sides. */
export function window(byteLength: number): Uint8Array {
  const memory = new Uint8Array(byteLength + 64).fill(99)
  return memory.subarray(32, 32 + byteLength).fill(7)
}
