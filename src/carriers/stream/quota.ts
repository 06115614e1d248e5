/**
 * Memory that frames on their way may take, all connections of a server together. Who would go past it is not read from
 * until others are done; a small part each has in any case, so that short messages always pass.
 */
import { expectArgument } from '../../errors.js'

/** What each may have beside the common part. */
const OWN = 65_536

interface Holder {
  readonly tell: (isRoom: boolean) => void
  bytes: number
  missing: number
  isWaiting: boolean
}

/** One connection's part of a quota. */
export interface Share {
  /** So many bytes of a frame are there, and so many are missing. */
  use(received: number, missing: number): void
  leave(): void
}

export class Quota {
  readonly #max: number
  readonly #holders = new Set<Holder>()
  #used = 0

  /** @throws TypeError for what is no number of bytes */
  constructor(max: number) {
    expectArgument(typeof max === 'number' && max > 0, 'maxBytes', 'a number of bytes > 0')
    this.#max = max
  }

  /** Bytes of frames that are on their way. */
  get used(): number {
    return this.#used
  }

  /** A part for another connection, which is told when it must wait, and when it may go on. */
  share(tell: (isRoom: boolean) => void): Share {
    const holder: Holder = { tell, bytes: 0, missing: 0, isWaiting: false }
    this.#holders.add(holder)
    return {
      use: (received, missing) => this.#use(holder, received, missing),
      leave: () => {
        this.#holders.delete(holder)
        holder.isWaiting = false
        this.#use(holder, 0, 0)
      },
    }
  }

  #use(holder: Holder, received: number, missing: number): void {
    const bytes = Math.max(0, received - OWN)
    const more = bytes - holder.bytes
    if (more === 0) return
    holder.bytes = bytes
    holder.missing = missing
    this.#used += more
    if (more > 0 && this.#used > this.#max) this.#stop(holder)
    if (more < 0) this.#wake()
  }

  #stop(holder: Holder): void {
    if (holder.isWaiting || this.#mover() === holder) return
    holder.isWaiting = true
    holder.tell(false)
  }

  /** Past the quota one goes on all the same, lest all wait for each other: of those that do not wait, else of all, who misses least. */
  #mover(): Holder | undefined {
    let best: Holder | undefined
    for (const holder of this.#holders) {
      if (holder.bytes === 0) continue
      const isBetter =
        best === undefined ||
        (best.isWaiting && !holder.isWaiting) ||
        (best.isWaiting === holder.isWaiting && holder.missing < best.missing)
      if (isBetter) best = holder
    }
    return best
  }

  #wake(): void {
    for (const holder of this.#holders) {
      if (!holder.isWaiting || this.#used > this.#max) continue
      holder.isWaiting = false
      holder.tell(true)
    }
    const mover = this.#used > this.#max ? this.#mover() : undefined
    if (mover?.isWaiting !== true) return
    mover.isWaiting = false
    mover.tell(true)
  }
}
