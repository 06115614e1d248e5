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
