/** A worker whose own scope is the port, or, with `through`, one that the first message brings. */
import { type AnyPort, dom } from './dom.js'
import { type Role, serve } from './peer.js'

const { searchParams } = new URL(dom.location.href)
const role = searchParams.get('role') as Role
const notes = new BroadcastChannel(`notes ${searchParams.get('id')}`)
const note = (ending: string) => notes.postMessage(ending)
const scope = globalThis as unknown as AnyPort

if (searchParams.has('through')) {
  scope.addEventListener('message', ({ data }) => serve((data as { port: AnyPort }).port, role, {}, note), {
    once: true,
  })
} else serve(scope, role, {}, note)
