/**
 * How two wrapped ports find each other, without a word that a peer which is not wrapped would notice.
 *
 * A port that does not know its peer posts what it is given as plain clones, and to the first it adds three ports
 * that the message does not mention: data cannot hold ports, so no data can look like that. The third is a lane, on
 * which the sender's brand, 128 random bits, is waiting. A wrapped peer keeps the three to itself and answers on the
 * lane: from then on both post packets under that brand. What a plain clone would harm (custom types, Buffers) goes
 * to an unknown peer as a hello: a packet with the lane and the brand.
 *
 *      plain    value,  ports [idle, idle, lane, …]
 *      hello    [HELLO, lane, brand, post]             on a broadcast channel, where nothing can move:
 *               [HELLO, itself, brand, post]           a list that holds itself comes from no text and no bytes
 */
/** A MessagePort of the platform. */
export type Port = InstanceType<typeof MessagePort>

const HELLO = 'outband hello'
/** Ports that come with an introduction. */
const PORTS = 3

/** What a MessagePort is everywhere, and in Node. */
interface Target {
  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void
  start(): void
  unref?(): void
}

/** What goes through a lane: the brand, `true` for "I am wrapped too", how much has been taken in, or a ring. */
export type LaneNote = string | true | number | SharedArrayBuffer

/** A port between the two wrappers. */
export interface Lane {
  send(note: LaneNote): void
  close(): void
}

/** A hello, taken apart. */
export interface Hello {
  readonly lane: Port | undefined
  readonly brand: string
  readonly post: unknown
}

/** A lane with its far end, which is to be sent. */
export function openLane(hear: (note: LaneNote) => void): { lane: Lane; far: Port } {
  const { port1, port2 } = new MessageChannel()
  return { lane: laneOf(port1, hear), far: port2 }
}

/** Ports that say nothing, in front of the lane; a peer that is not wrapped is rid of them when they are closed here. */
export function idlePorts(): { near: Port[]; far: Port[] } {
  const channels = Array.from({ length: PORTS - 1 }, () => new MessageChannel())
  return { near: channels.map(({ port1 }) => port1), far: channels.map(({ port2 }) => port2) }
}

/** A lane on a port that came with an introduction. It keeps no thread alive. */
export function laneOf(port: Port, hear: (note: LaneNote) => void): Lane {
  let isOpen = true
  const target = port as unknown as Target
  target.addEventListener('message', event => hear(event.data as LaneNote))
  target.addEventListener('close', () => {
    isOpen = false
  })
  target.start()
  target.unref?.()
  return {
    send: note => {
      if (isOpen) port.postMessage(note)
    },
    close: () => {
      isOpen = false
      port.close()
    },
  }
}

/** 128 random bits, one unit a byte. */
export function newBrand(): string {
  return String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16)))
}

/** The lane of a message that introduces its sender. */
export function introducedBy(message: unknown, ports: readonly object[]): Port | undefined {
  if (ports.length < PORTS) return undefined
  const first = ports.slice(0, PORTS)
  return mentions(message, new Set(first)) ? undefined : (first[PORTS - 1] as Port)
}

/** The ports that the user's peer sent along. */
export function withoutIntroduction(ports: readonly object[]): readonly object[] {
  return ports.slice(PORTS)
}

export function hello(far: Port | undefined, brand: string, post: unknown): unknown[] {
  const message: unknown[] = [HELLO, far, brand, post]
  if (far === undefined) message[1] = message
  return message
}

/** A message as a hello, if it is one. */
export function helloOf(message: unknown): Hello | undefined {
  if (!Array.isArray(message) || message.length !== 4 || message[0] !== HELLO) return undefined
  const [, proof, brand, post] = message as [string, unknown, unknown, unknown]
  const isPort = proof instanceof MessagePort
  if ((!isPort && proof !== message) || typeof brand !== 'string') return undefined
  return { lane: isPort ? proof : undefined, brand, post }
}

/** Whether a message holds one of these ports. Looked for in messages that came with three ports, which are few. */
function mentions(message: unknown, ports: ReadonlySet<object>): boolean {
  const met = new Set<unknown>([message])
  for (const item of met) {
    if (typeof item !== 'object' || item === null || ArrayBuffer.isView(item)) continue
    if (ports.has(item)) return true
    const parts =
      item instanceof Map
        ? [...item.keys(), ...item.values()]
        : item instanceof Set
          ? item
          : Object.values(item)
    for (const part of parts) if (typeof part === 'object') met.add(part)
  }
  return false
}
