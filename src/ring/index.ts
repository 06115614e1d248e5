/** The door of `outband/ring`: exports only. */
export type { Counts, Transfer } from '../carriers/carrier.js'
export { createRing, type RingEnd, type RingPort, type RingSize } from '../carriers/ring/end.js'
export { RingCarrier, type RingOptions } from '../carriers/ring/ring.js'
export { RingChannel, type SyncOptions, type SyncSendOptions } from './channel.js'
export { type ConnectRingOptions, connectRing } from './connect.js'
