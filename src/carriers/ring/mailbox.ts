/** What came by a port, for a thread that blocks and hears no events: Node alone can look. */

interface Threads {
  receiveMessageOnPort(port: object): { readonly message: unknown } | undefined
}
interface Platform {
  readonly process?: { getBuiltinModule?(name: 'worker_threads'): Threads }
}

/** Node's own module, without an import that a browser would trip over; absent there and before Node 20.16. */
const threads = (globalThis as Platform).process?.getBuiltinModule?.('worker_threads')

/** Whether a thread that blocks can take what came by its port, and notice that the peer is gone. */
export const canPeek = threads !== undefined

/** Everything that has come. */
export function takeAll(port: object): unknown[] {
  const messages: unknown[] = []
  for (;;) {
    const found = threads?.receiveMessageOnPort(port)
    if (found === undefined) return messages
    messages.push(found.message)
  }
}

/**
 * Whether the other end of the port is closed, which `takeAll` has come upon. Node tells it by an event alone; but a list
 * with a port twice is refused, and of a closed one it says so before it says that. Nothing moves.
 */
export function isClosed(port: object): boolean {
  try {
    structuredClone(0, { transfer: [port, port] as never })
  } catch (error) {
    return canPeek && /detached/.test((error as Error).message)
  }
  return false
}
