/** A link with its annex, as they belong together. */
import type { Link } from '../stream/link.js'
import { type Part, SharedAnnex } from './annex.js'
import { SharedLink } from './link.js'
import type { Sharing } from './sharing.js'

/** A way by memory, as far as that can be; else by the socket alone. */
export interface SharedWay {
  readonly link: SharedLink
  readonly annex: SharedAnnex
}

export function sharedWay(socket: Link, part: Part, sharing: Sharing): SharedWay {
  const link = new SharedLink(socket)
  return { link, annex: new SharedAnnex(link, part, sharing) }
}

const annexes = new WeakMap<object, SharedAnnex>()

/** Remembers whose way it is, for `annexOf`. */
export function keepAnnex<Owner extends object>(owner: Owner, annex: SharedAnnex | undefined): Owner {
  if (annex !== undefined) annexes.set(owner, annex)
  return owner
}

export function annexOf(owner: object): SharedAnnex | undefined {
  return annexes.get(owner)
}
