/** What Node has in `worker_threads`, and the ports of any platform. */

type Ports = Pick<InstanceType<typeof MessageChannel>, 'port1' | 'port2'>

interface Threads {
  readonly parentPort: object | null
  readonly MessageChannel: new () => Ports
  receiveMessageOnPort(port: object): { readonly message: unknown } | undefined
}
interface Platform {
  readonly process?: { getBuiltinModule?(name: 'worker_threads'): Threads }
  readonly MessageChannel?: new () => Ports
}

/** Node's own module, without an import that a browser would trip over; absent there and before Node 20.16. */
export function threads(): Threads | undefined {
  return (globalThis as Platform).process?.getBuiltinModule?.('worker_threads')
}

/** The class that makes ports, also where a test's environment (jsdom, happy-dom) hides the global; an AudioWorklet has none. */
export function portMaker(): (new () => Ports) | undefined {
  return (globalThis as Platform).MessageChannel ?? threads()?.MessageChannel
}

/**
 * Whether an end of a port is closed, where Node has come upon that: it tells of it by an event alone, once. But a list with a
 * port twice is refused, and of a closed one it says so before it says that. Nothing moves, but in Deno, which is not asked.
 */
export function isClosed(port: object): boolean {
  if (threads() === undefined || 'Deno' in globalThis) return false
  try {
    structuredClone(0, { transfer: [port, port] as never })
  } catch (error) {
    return /detached/.test((error as Error).message)
  }
  return false
}
