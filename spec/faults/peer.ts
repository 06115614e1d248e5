// The other process: `node peer.js ORDER`, where ORDER is JSON. It does what its role says, tells of it by lines of JSON on
// standard output, and ends by itself.

import type { Order } from './order.js'
import { roles } from './roles.js'

const order = JSON.parse(process.argv[2]!) as Order
await roles[order.role](order)
