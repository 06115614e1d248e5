// The child of `far.ts`: a carrier at its end of the pipe, led through Node's own channel.

import { childEnd, VARIABLE } from '../../src/carriers/process/ends.js'
import { sharingOf } from '../../src/carriers/shm/sharing.js'
import { sharedWay } from '../../src/carriers/shm/way.js'
import { StreamCarrier, type StreamOptions } from '../../src/carriers/stream/stream.js'
import { obeying } from './far-side.js'
import { lying } from './lying.js'

const { isSharing = false, ...options } = JSON.parse(process.argv[2]!) as StreamOptions & {
  isSharing?: boolean
}
const end = childEnd(process.env[VARIABLE]!)
const sharing = isSharing ? sharingOf({ threshold: 4096 }) : undefined
const way = sharing && sharedWay(end, 'waits', sharing)
const carrier = new StreamCarrier(way?.link ?? end, options, undefined, way?.annex)
// Whose carrier was aborted has still to say what it saw of that.
process.on('SIGTERM', () => {})
process.on(
  'message',
  obeying(carrier, word => {
    // Who leads may be gone already.
    const isThere = process.connected
    if (isThere) process.send!(word.kind === 'parcel' ? { ...word, parcel: lying(word.parcel) } : word)
  }),
)
