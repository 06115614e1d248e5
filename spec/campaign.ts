/**
 * A campaign: mutants of good packets are decoded under both profiles, with generated code and without, and watched.
 * What it looks for, each a detector that `plants` proves by a bug of its own:
 *
 *      foreign    an error that is not ours left decode
 *      slow       one packet took longer than any of its size may
 *      diverged   codecs disagree that differ only in what they keep, generate or forbid
 *      unequal    what was accepted does not survive being encoded and decoded again
 *      polluted   a built-in prototype, or the global object, was changed
 *      leaked     memory grew over the run
 */
import { golden, goldenTypes } from '../fixtures/golden.js'
import { hostile } from '../fixtures/hostile.js'
import { goldenPacket } from '../fixtures/make.js'
import { Codec, isOutbandError, LIMITS, type PacketLike } from '../src/index.js'
import { spentMs } from './budget.js'
import { keptBytes } from './collect.js'
import { LONGEST_SOURCE, Mutator, type Source } from './mutate.js'
import { canaries } from './prototypes.js'
import { difference } from './same.js'

/** The codecs that decode every mutant, or a sample of them. */
export type Variant = 'trusted' | 'plain' | 'untrusted' | 'fresh' | 'again'
export type Decode = (packet: PacketLike, variant: Variant) => unknown

export const KINDS = ['foreign', 'slow', 'diverged', 'unequal', 'polluted', 'leaked'] as const
export type Kind = (typeof KINDS)[number]

export interface Find {
  readonly kind: Kind
  /** The seed and the number of the mutant: together they make the packet again. */
  readonly seed: number
  readonly mutant: number
  readonly variant: Variant
  readonly what: string
  readonly source: string
  readonly meta: string
}

export interface Ledger {
  seed: number
  seconds: number
  /** Mutants. */
  tried: number
  /** Decodings of them, those of samples included. */
  decoded: number
  accepted: number
  rejected: number
  codes: Record<string, number>
  foreign: number
  slow: number
  diverged: number
  unequal: number
  polluted: number
  /** Bytes of heap that the run added, after a collection. */
  leaked: number
  /** The slowest mutant, each time it was decoded. */
  slowest: number
  slowestMs: number
  /** Mutants per second of one core's time. */
  perSecond: number
  finds: Find[]
}

export interface CampaignOptions {
  readonly seed: number
  /** Whichever comes first. */
  readonly seconds?: number
  readonly mutants?: number
  /** The first mutant. */
  readonly from?: number
  /** Put around decode, to plant a bug. */
  readonly plant?: (decode: Decode) => Decode
}

const SLOW_MS = 50
const MOST_LEAKED = 16 * 2 ** 20
const MOST_FINDS = 20
/** One mutant in so many is looked at closely, if accepted; one in `OFTEN` at the prototypes. */
const SAMPLE = 128
const OFTEN = 8192

interface Outcome {
  readonly code: string | undefined
  readonly value: unknown
}

/** Threats whose rows are as large as the limits, or come with memory that is gone. */
const LARGE = new Set([6, 7, 8, 16, 17, 25])

interface Named {
  readonly name: string
  readonly packet: Source
}

/** Golden packets by their half; hostile ones that are accepted, and some that are not. */
export function sources(): Named[] {
  const seeds = golden
    .map(row => ({ name: row.name, packet: goldenPacket(row) }))
    .filter(({ packet }) => packet.meta.length < LONGEST_SOURCE)
  const small = hostile
    .filter(({ threat, types }) => !LARGE.has(threat) && types === undefined)
    .map(({ name, make, trusted }) => ({ name, packet: make(LIMITS.untrusted) as Source, trusted }))
    .filter(({ packet: { meta, buffers } }) => meta.length < 160 && Array.isArray(buffers))
  const accepted = small.filter(({ trusted }) => typeof trusted !== 'string')
  const refused = small.filter(({ trusted }, i) => typeof trusted === 'string' && i % 8 === 0)
  const others = [...accepted, ...refused]
  return Array.from({ length: others.length * 2 }, (_, i) =>
    i % 2 === 0 ? seeds[(i / 2) % seeds.length]! : others[(i - 1) / 2]!,
  )
}

/** The codecs of a campaign, as one function. */
export function decoder(): Decode {
  const types = goldenTypes
  const codecs = {
    trusted: new Codec({ types }),
    plain: new Codec({ types, limits: { codegen: false } }),
    untrusted: new Codec({ types, limits: 'untrusted' }),
    again: new Codec({ types }),
  }
  return (packet, variant) => (variant === 'fresh' ? new Codec({ types }) : codecs[variant]).decode(packet)
}

class Campaign {
  readonly #ledger: Ledger
  readonly #decode: Decode
  readonly #sources = sources()
  readonly #mutator = new Mutator(this.#sources.map(({ packet }) => packet))
  readonly #encoder = new Codec({ types: goldenTypes, strict: true })
  readonly #changed = canaries()

  constructor({ seed, plant }: CampaignOptions) {
    this.#decode = plant?.(decoder()) ?? decoder()
    this.#ledger = {
      seed,
      seconds: 0,
      tried: 0,
      decoded: 0,
      accepted: 0,
      rejected: 0,
      codes: {},
      foreign: 0,
      slow: 0,
      diverged: 0,
      unequal: 0,
      polluted: 0,
      leaked: 0,
      slowest: 0,
      slowestMs: 0,
      perSecond: 0,
      finds: [],
    }
  }

  run({
    seconds = Number.POSITIVE_INFINITY,
    mutants = Number.POSITIVE_INFINITY,
    from = 0,
  }: CampaignOptions): Ledger {
    const ledger = this.#ledger
    const start = performance.now()
    const cpu = process.cpuUsage()
    const end = start + seconds * 1000
    const { stackTraceLimit } = Error
    // Stacks are most of the price of an error, and no detector reads them.
    Error.stackTraceLimit = 0
    let heapBefore = 0
    // Codecs keep what they learn, up to their bounds: growth counts from a quarter of the run on.
    let warm = 0.25
    try {
      for (let number = from; number < from + mutants; number++) {
        this.#try(number)
        if (number % OFTEN !== 0) continue
        this.#look(number)
        const now = performance.now()
        if (now > end) break
        const done = Math.max((now - start) / (end - start), (number - from) / mutants)
        if (done < warm) continue
        warm = Number.POSITIVE_INFINITY
        heapBefore = keptBytes()
      }
      this.#look(from + ledger.tried)
      if (heapBefore > 0) ledger.leaked = Math.max(0, keptBytes() - heapBefore)
      if (ledger.leaked > MOST_LEAKED)
        this.#found('leaked', from + ledger.tried, 'trusted', `${ledger.leaked} bytes over the run`)
    } finally {
      Error.stackTraceLimit = stackTraceLimit
    }
    ledger.seconds = (performance.now() - start) / 1000
    const { user, system } = process.cpuUsage(cpu)
    ledger.perSecond = Math.round((ledger.tried / (user + system)) * 1e6)
    return ledger
  }

  #try(number: number): void {
    const ledger = this.#ledger
    const packet = this.#mutator.make(ledger.seed, number)
    // In both turns of the sample, so that each is compared with the other.
    const own: Variant = (number ^ (number / SAMPLE)) & 1 ? 'plain' : 'trusted'
    const start = performance.now()
    const trusted = this.#outcome(lazily(packet, number), own, number)
    const between = performance.now()
    ledger.tried++
    if (trusted.code === undefined) ledger.accepted++
    else ledger.rejected++
    // What one profile refused goes to the other every second time: throwing is most of the campaign's price.
    const isBoth = trusted.code === undefined || (number & 2) === 0
    const untrusted = isBoth ? this.#outcome(packet, 'untrusted', number) : trusted
    const ms = Math.max(between - start, performance.now() - between)
    if (ms > ledger.slowestMs) this.#slowest(packet, number, ms)
    // The untrusted profile forbids more, and allows nothing else.
    if (untrusted.code === undefined && trusted.code !== undefined)
      this.#found('diverged', number, 'untrusted', `accepted, but ${own} says ${trusted.code}`)
    if (number % SAMPLE === 0) this.#examine(packet, number, own, trusted, untrusted)
  }

  #outcome(packet: PacketLike, variant: Variant, number: number): Outcome {
    const ledger = this.#ledger
    ledger.decoded++
    try {
      return { code: undefined, value: this.#decode(packet, variant) }
    } catch (error) {
      if (!isOutbandError(error)) {
        this.#found('foreign', number, variant, nameOf(error))
        return { code: 'foreign', value: undefined }
      }
      const { code } = error
      ledger.codes[code] = (ledger.codes[code] ?? 0) + 1
      return { code, value: undefined }
    }
  }

  /** A collection may fall into any packet's time, or the machine's other work: only one that is slow every time is. */
  #slowest(packet: PacketLike, number: number, first: number): void {
    let ms = first
    for (let i = 0; i < 4 && ms > this.#ledger.slowestMs; i++) {
      const start = spentMs()
      this.#outcome(packet, 'trusted', number)
      ms = Math.min(ms, spentMs() - start)
    }
    if (ms <= this.#ledger.slowestMs) return
    this.#ledger.slowestMs = ms
    this.#ledger.slowest = number
    if (ms > SLOW_MS) this.#found('slow', number, 'trusted', `${ms.toFixed(1)} ms`)
  }

  /** Whether codecs agree, and whether what was accepted can be sent on. */
  #examine(packet: PacketLike, number: number, own: Variant, trusted: Outcome, untrusted: Outcome): void {
    for (const variant of [own === 'plain' ? 'trusted' : 'plain', 'fresh'] as const) {
      const other = this.#outcome(packet, variant, number)
      if (other.code !== trusted.code)
        this.#found('diverged', number, variant, `says ${other.code}, not ${trusted.code}`)
      else if (trusted.code === undefined)
        this.#compare('diverged', number, variant, trusted.value, other.value)
    }
    if (trusted.code !== undefined) return
    if (untrusted.code === undefined)
      this.#compare('diverged', number, 'untrusted', trusted.value, untrusted.value)
    try {
      const again = this.#decode(this.#encoder.encode(trusted.value), 'again')
      this.#compare('unequal', number, 'again', trusted.value, again)
    } catch (error) {
      this.#found('unequal', number, 'again', nameOf(error))
    }
  }

  #compare(kind: Kind, number: number, variant: Variant, wanted: unknown, got: unknown): void {
    const found = difference(wanted, got)
    if (found !== undefined) this.#found(kind, number, variant, found)
  }

  #look(number: number): void {
    const changed = this.#changed()
    if (changed !== undefined) this.#found('polluted', number, 'trusted', changed)
  }

  #found(kind: Kind, mutant: number, variant: Variant, what: string): void {
    const ledger = this.#ledger
    if (kind !== 'leaked') ledger[kind]++
    if (ledger.finds.length >= MOST_FINDS) return
    const { meta } = this.#mutator.make(ledger.seed, mutant)
    const source = this.#sources[this.#mutator.source]!.name
    ledger.finds.push({
      kind,
      seed: ledger.seed,
      mutant,
      variant,
      what,
      source,
      meta: Buffer.from(meta).toString('hex'),
    })
  }
}

/** Some packets with their buffers in an iterator, which is taken from once. */
function lazily(packet: PacketLike, number: number): PacketLike {
  return number % 64 === 1
    ? { meta: packet.meta, buffers: (packet.buffers as Uint8Array[]).values() }
    : packet
}

function nameOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

export function campaign(options: CampaignOptions): Ledger {
  return new Campaign(options).run(options)
}
