/** A worker whose own scope is the port, or, with `through`, one that the first message brings; with `ring` an end of one. */
import { connectRing, type RingEnd } from '../../../src/ring/index.js'
import { type AnyPort, dom } from './dom.js'
import { type Role, serve } from './peer.js'

const { searchParams } = new URL(dom.location.href)
const role = searchParams.get('role') as Role
const notes = new BroadcastChannel(`notes ${searchParams.get('id')}`)
const note = (ending: string) => notes.postMessage(ending)
const scope = globalThis as unknown as AnyPort

/** Sends back what comes through a ring. */
async function answer(end: RingEnd): Promise<void> {
  const channel = connectRing(end)
  try {
    if (searchParams.get('ring') === 'echo') for await (const value of channel) await channel.send(value)
    for (;;) channel.sendSync(channel.receiveSync())
  } catch {
    // What ended it is told to the page by its own channel.
  }
}

if (searchParams.has('ring')) {
  scope.addEventListener('message', ({ data }) => void answer(data as RingEnd), { once: true })
} else if (searchParams.has('through')) {
  scope.addEventListener('message', ({ data }) => serve((data as { port: AnyPort }).port, role, {}, note), {
    once: true,
  })
} else serve(scope, role, {}, note)
