/**
 * How two wrapped ports find each other, without a word that a peer which is not wrapped would notice.
 *
 * A port that does not know its peer posts what it is given as plain clones. To the first it adds five ports that the
 * message does not mention: data cannot hold ports, so no data can look like that. The last is a lane. A wrapped peer keeps the five to itself and knocks on the lane; the answer is the sender's brand, 128 random
 * bits, and once the peer says that it knows the brand, both post packets under it. What a plain clone would harm
 * (custom types, Buffers) goes to an unknown peer as a hello: a packet with the lane and the brand.
 *
 *      plain    value,  ports […, idle, idle, idle, idle, lane]
 *      hello    [HELLO, lane, brand, post]
 *               [HELLO, itself, brand, post]     on a broadcast channel, among peers that were told of each other
 */

import { isShared } from '../bytes/window.js'
import { keepAlive } from '../carriers/keep-alive.js'
import { isPort, mustMove } from '../carriers/platform.js'
import { isBranded } from '../carriers/port/posts.js'
import { RANDOM_BYTES, randomBytes } from '../carriers/random.js'
import { portMaker } from '../carriers/threads.js'
import { OutbandError } from '../errors.js'
import { builtinOf } from '../value/builtins.js'

/** A MessagePort of the platform. */
export type Port = InstanceType<typeof MessagePort>

const HELLO = 'outband hello'
const LANE = 'outband lane'
/** Ports of an introduction: more than anybody sends without a mention. */
const PORTS = 5

/** What goes through a lane: a knock, the brand in answer, that it is known, how much was taken in, a ring or its end, a tally. */
export interface LaneNotes {
  knock: undefined
  brand: string
  met: undefined
  taken: number
  ring: SharedArrayBuffer | undefined
  tally: SharedArrayBuffer
}

/** Whoever hears a lane. */
export type LaneHearer = {
  readonly [Kind in keyof LaneNotes]: (value: LaneNotes[Kind]) => void
} & { readonly close: () => void }

/** A port between the two wrappers. It keeps no thread alive unless it is held. */
export interface Lane {
  send<Kind extends keyof LaneNotes>(kind: Kind, value?: LaneNotes[Kind]): void
  hold(isHeld: boolean): void
  close(): void
}

/** What a MessagePort is everywhere, and in Node. */
interface Target {
  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void
  postMessage(message: unknown): void
  start(): void
  close(): void
}

/** A lane on a port. What is no note of ours is not heard. */
export function laneOf(port: Port, hearer: LaneHearer): Lane {
  const target = port as unknown as Target
  let isOpen = true
  target.addEventListener('message', ({ data }) => hearNote(data, hearer))
  target.addEventListener('close', () => {
    if (!isOpen) return
    isOpen = false
    hearer.close()
  })
  target.start()
  keepAlive(target, false)
  return {
    send: (kind, value) => {
      if (isOpen) target.postMessage([LANE, kind, value])
    },
    hold: isHeld => {
      if (isOpen) keepAlive(target, isHeld)
    },
    close: () => {
      isOpen = false
      target.close()
    },
  }
}

function hearNote(note: unknown, hearer: LaneHearer): void {
  if (!Array.isArray(note) || note[0] !== LANE) return
  const [, kind, value] = note as readonly unknown[]
  if (kind === 'knock' || kind === 'met') hearer[kind](undefined)
  else if (kind === 'brand' && isBrand(value)) hearer.brand(value)
  else if (kind === 'taken' && typeof value === 'number') hearer.taken(value)
  else if (kind === 'ring' && (value === undefined || isSharedMemory(value))) hearer.ring(value)
  else if (kind === 'tally' && isSharedMemory(value)) hearer.tally(value)
}

const isBrand = (value: unknown): value is string =>
  typeof value === 'string' && value.length === BRAND_UNITS && value.startsWith(OURS)

const isSharedMemory = (value: unknown): value is SharedArrayBuffer => isShared(value)

/** What all brands begin with, so that who does not know one does not take what is under it for the user's. */
const OURS = 'outband\0'
const BRAND_UNITS = OURS.length + RANDOM_BYTES

/** 128 random bits behind what all begin with, one unit a byte. */
export function newBrand(): string {
  return OURS + String.fromCharCode(...randomBytes())
}

/** Whether a message is a post under a brand that is not known here: it was meant for whoever had the port before. */
export function isForeign(message: unknown): boolean {
  return isBranded(message, OURS)
}

/** Whether lanes can be made: an AudioWorklet has ports, and none to give away. */
export function canIntroduce(): boolean {
  return portMaker() !== undefined
}

/** The two ends of a lane. @throws UNSUPPORTED where none can be made */
export function lanePorts(): { port1: Port; port2: Port } {
  const Ports = portMaker()
  if (Ports !== undefined) return new Ports()
  const what = 'to introduce itself with there is no MessageChannel here; wanted a message of the peer before'
  throw new OutbandError('UNSUPPORTED', `port: ${what}`)
}

/** Ports that say nothing, in front of the lane; a peer that is not wrapped is rid of them when they are closed here. */
export function idlePorts(): { near: Port[]; far: Port[] } {
  const channels = Array.from({ length: PORTS - 1 }, lanePorts)
  return { near: channels.map(({ port1 }) => port1), far: channels.map(({ port2 }) => port2) }
}

/** The lane of a message that introduces its sender. */
export function introducedBy(message: unknown, ports: readonly object[]): Port | undefined {
  const last = ports.slice(-PORTS)
  const met = new Set(last)
  if (last.length < PORTS || holds(message, item => met.has(item))) return undefined
  return last[PORTS - 1] as Port
}

/** The ports of the user's beside an introduction. */
export function withoutIntroduction(ports: readonly object[]): readonly object[] {
  return ports.slice(0, -PORTS)
}

/** A hello, taken apart. */
export interface Hello {
  readonly lane: Port | undefined
  readonly brand: string
  readonly post: unknown
}

export function hello(far: Port | undefined, brand: string, post: unknown): unknown[] {
  const message: unknown[] = [HELLO, far, brand, post]
  if (far === undefined) message[1] = message
  return message
}

/** A message as a hello, if it is one: with a port, or, on a broadcast channel, with itself in its place. */
export function helloOf(message: unknown, isBroadcast: boolean): Hello | undefined {
  if (!Array.isArray(message) || message.length !== 4 || message[0] !== HELLO) return undefined
  const [, proof, brand, post] = message as readonly unknown[]
  if (!isBrand(brand)) return undefined
  if (isBroadcast) return proof === message ? { lane: undefined, brand, post } : undefined
  return isObject(proof) && isPort(proof) ? { lane: proof as Port, brand, post } : undefined
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/**
 * Whether a message could not be introduced, since what moved with it has ports of its own. Asked of the first message of a
 * peer; a long one is not looked through to its end.
 */
export function isUnintroducible(message: unknown): boolean {
  return holds(message, item => mustMove(item) && !isPort(item), MOST_SEARCHED)
}

const MOST_SEARCHED = 10_000

/** Whether an object like that is in a message: looked for among so many. */
function holds(
  message: unknown,
  isWanted: (item: object) => boolean,
  most = Number.POSITIVE_INFINITY,
): boolean {
  const met = new Set<unknown>([message])
  let left = most
  for (const item of met) {
    if (!isObject(item) || ArrayBuffer.isView(item)) continue
    if (isWanted(item)) return true
    if (left-- <= 0) return false
    for (const part of partsOf(item)) if (typeof part === 'object') met.add(part)
  }
  return false
}

/** A port of a frame gives objects of its realm. */
function partsOf(item: object): Iterable<unknown> {
  const { kind } = builtinOf(item)
  if (kind === 'Map') return [...(item as Map<unknown, unknown>)].flat()
  return kind === 'Set' ? (item as Set<unknown>) : Object.values(item)
}
