/** Ways from the page to a peer. */
import { inTime } from './checks.js'
import { type AnyPort, dom, type Message } from './dom.js'
import { type Role, serve } from './peer.js'

/** A port with a peer at its other end. */
export interface Link {
  readonly port: AnyPort
  /** Of `wrapPort` and `connectPort`. */
  readonly options: { readonly targetOrigin?: string }
  /** Where the port's messages are heard. */
  readonly ear: AnyPort
  /** What the peer's channel said of its end. */
  readonly ended: Promise<string>
  /** Ends the peer without a word. */
  drop(): void
}

export interface Transport {
  readonly name: string
  /** Nothing moves, and several may hear. */
  readonly isBroadcast: boolean
  /** Whether it is another of these with another peer: what depends on neither alone is not checked again. */
  readonly isMixed?: boolean
  /** The peer has none of the platform's classes, and its thread makes zeros of the smallest numbers. */
  readonly isBare?: boolean
  /** Whether memory can be shared with the peer, in a page that is isolated. */
  readonly isNear: boolean
  open(role: Role): Promise<Link>
}

let links = 0

function noted(): { id: number; ended: Promise<string> } {
  const id = ++links
  const notes = new BroadcastChannel(`notes ${id}`) as unknown as AnyPort
  const ended = new Promise<string>(resolve => {
    notes.onmessage = ({ data }) => resolve(data as string)
  })
  return { id, ended }
}

function near(port: AnyPort, far: AnyPort, role: Role): Link {
  let end: (ending: string) => void = () => {}
  const ended = new Promise<string>(resolve => {
    end = resolve
  })
  serve(far, role, {}, ending => end(ending))
  return { port, options: {}, ear: port, ended, drop: () => far.close?.() }
}

async function frame(role: Role, host: string): Promise<Link> {
  const { location, document } = dom
  const { id, ended } = noted()
  const targetOrigin = `http://${host}:${location.port}`
  const element = document.createElement('iframe')
  element.hidden = true
  const query = new URLSearchParams({ role, id: `${id}`, origin: location.origin })
  element.src = new URL(`frame.html?${query}`, location.href).href.replace(location.origin, targetOrigin)
  const loaded = new Promise<void>(resolve => element.addEventListener('load', () => resolve()))
  document.body.append(element)
  await inTime(loaded)
  const ear = globalThis as unknown as AnyPort
  return {
    port: element.contentWindow,
    options: { targetOrigin },
    ear,
    ended,
    drop: () => element.remove(),
  }
}

function worker(role: Role, isThrough: boolean): Link {
  const { id, ended } = noted()
  const query = new URLSearchParams({ role, id: `${id}`, ...(isThrough ? { through: '' } : {}) })
  const thread = new dom.Worker(new URL(`worker.js?${query}`, dom.location.href).href, { type: 'module' })
  if (!isThrough) {
    return { port: thread, options: {}, ear: thread, ended, drop: () => thread.terminate() }
  }
  const { port1, port2 } = new MessageChannel()
  thread.postMessage({ port: port2 }, [port2])
  const port = port1 as unknown as AnyPort
  return { port, options: {}, ear: port, ended, drop: () => thread.terminate() }
}

export const transports: readonly Transport[] = [
  { name: 'Worker', isBroadcast: false, isNear: true, open: async role => worker(role, false) },
  {
    name: 'MessagePort to a worker',
    isMixed: true,
    isBroadcast: false,
    isNear: true,
    open: async role => worker(role, true),
  },
  {
    name: 'MessageChannel',
    isBroadcast: false,
    isNear: true,
    open: async role => {
      const { port1, port2 } = new MessageChannel()
      return near(port1 as unknown as AnyPort, port2 as unknown as AnyPort, role)
    },
  },
  { name: 'Window', isBroadcast: false, isNear: true, open: role => frame(role, 'localhost') },
  {
    name: 'Window of another origin',
    isBroadcast: false,
    isNear: false,
    open: role => frame(role, '127.0.0.1'),
  },
  {
    name: 'BroadcastChannel',
    isBroadcast: true,
    isNear: true,
    open: async role => {
      const name = `link ${++links}`
      const make = () => new BroadcastChannel(name) as unknown as AnyPort
      return near(make(), make(), role)
    },
  },
]

let audio: Promise<object> | undefined

/** A context that renders nothing, with the processor of `worklet.ts`. */
async function workletContext(): Promise<object> {
  const context = new dom.OfflineAudioContext(1, 128, 44_100)
  await context.audioWorklet.addModule(new URL('worklet.js', dom.location.href).href)
  return context
}

/** To a peer in an AudioWorklet, which has no timers: for wrapped ports alone. */
export const worklet: Transport = {
  name: 'AudioWorklet',
  isMixed: true,
  isBroadcast: false,
  isBare: true,
  isNear: true,
  open: async role => {
    audio ??= workletContext()
    const { port } = new dom.AudioWorkletNode(await audio, 'peer', { processorOptions: { role } })
    return { port, options: {}, ear: port, ended: new Promise(() => {}), drop: () => port.close?.() }
  },
}

/** The next message at a port. */
export function heard(port: AnyPort): Promise<Message> {
  const message = new Promise<Message>((resolve, reject) => {
    port.addEventListener('message', resolve, { once: true })
    port.addEventListener(
      'messageerror',
      ({ data }) => reject(data instanceof Error ? data : new Error(`messageerror: ${String(data)}`)),
      { once: true },
    )
  })
  port.start?.()
  return inTime(message, undefined, 'no message came')
}
