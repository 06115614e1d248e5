/** Packets in: out of the ring, and where an entry says so out of what came by the port. */
import { OutbandError } from '../../errors.js'
import { Fifo } from '../../fifo.js'
import type { RingReader } from '../../memory/ring.js'
import type { Parcel } from '../../packet.js'
import { isBranded, type Reading, readPost } from '../port/posts.js'
import { BYE, META, PACKET, POSTED, readMeta, readPacket } from './entry.js'
import { BRAND, NEXT, unitsOf } from './outgoing.js'
import { TAKEN } from './wake.js'

export class Incoming {
  readonly reader: RingReader
  /** Posts that came and wait for their turn. */
  readonly #posts = new Fifo<unknown>()
  /** Units taken of what came by the port, modulo 2**32. */
  #taken = 0
  /**
   * Whether a post was taken whose entry was not there yet: the post has woken this thread, often in place of the one that
   * was about to write the entry, and to sleep until then would double what a move costs.
   */
  #isAhead = false

  constructor(reader: RingReader) {
    this.reader = reader
  }

  /** A post came. */
  hold(post: unknown): void {
    this.#posts.push(post)
  }

  /** Whether what comes next comes by the port, and has not yet. @throws RING_CORRUPT */
  get isBlocked(): boolean {
    return this.#mark() === POSTED && this.#posts.length === 0
  }

  /** Whether all was taken that the peer has sent and will send. @throws RING_CORRUPT */
  get isByeNext(): boolean {
    return this.reader.mark === BYE
  }

  /**
   * The next packet; 'bye' when there will be none, nothing when there is none now. `isNested`: the one before is still being
   * read. @throws RING_CORRUPT, MALFORMED
   */
  next(isNested: boolean): Parcel | 'bye' | undefined {
    const { reader } = this
    const mark = this.#mark()
    if (mark === META) return readMeta(reader, isNested)
    if (mark === PACKET) return readPacket(reader)
    if (mark === undefined) return this.#early()
    if (mark === POSTED && this.#posts.length === 0) return undefined
    if (mark !== POSTED && mark !== BYE) throw strange(mark)
    reader.begin()
    reader.pass()
    return mark === BYE ? 'bye' : this.#posted()
  }

  /** The mark of the next entry, behind that of a post that was taken before it. @throws RING_CORRUPT */
  #mark(): number | undefined {
    const { reader } = this
    const { mark } = reader
    if (!this.#isAhead || mark === undefined) return mark
    if (mark !== POSTED) throw strange(mark)
    this.#isAhead = false
    reader.begin()
    reader.pass()
    return reader.mark
  }

  /** A post that came before its entry, when nothing else can be between the two. */
  #early(): Parcel | undefined {
    if (this.#isAhead || !isBranded(this.#posts.peek(), NEXT)) return undefined
    this.#isAhead = true
    return this.#posted()
  }

  #posted(): Parcel {
    let parcel: Parcel | undefined
    const reading: Reading = {
      parcel: found => {
        parcel = found
      },
      note: () => {},
      ring: () => {},
      tally: () => {},
    }
    readPost(this.#posts.shift(), BRAND, reading)
    if (parcel === undefined) throw new OutbandError('MALFORMED', 'ring: a post that is no packet')
    // Counted before somebody else has its memory.
    this.#taken = (this.#taken + unitsOf(parcel)) | 0
    Atomics.store(this.reader.control, TAKEN, this.#taken)
    return parcel
  }
}

function strange(mark: number): OutbandError {
  return new OutbandError('RING_CORRUPT', `ring: an entry of no kind; got ${mark}`, { requested: mark })
}
