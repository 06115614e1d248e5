/** A frame whose parent window is the port; says that it is there when it is. */
import { dom } from './dom.js'
import { type Role, serve } from './peer.js'

const { searchParams } = new URL(dom.location.href)
const targetOrigin = searchParams.get('origin') as string
const notes = new BroadcastChannel(`notes ${searchParams.get('id')}`)

serve(dom.parent, searchParams.get('role') as Role, { targetOrigin }, ending => notes.postMessage(ending))
