/** What came by a port, for a thread that blocks and hears no events: Node alone can look. */
import { threads } from '../threads.js'

const node = threads()

/** Whether a thread that blocks can take what came by its port, and notice that the peer is gone. */
export const canPeek = node !== undefined

/** Everything that has come. */
export function takeAll(port: object): unknown[] {
  const messages: unknown[] = []
  for (;;) {
    const found = node?.receiveMessageOnPort(port)
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
