/** The other side: takes values in, or returns them. `?as=ours` does so through `wrapPort`. */

import { type AnyPort, dom } from '../../spec/browser/page/dom.js'
import { type PortLike, wrapPort } from '../../src/port/index.js'
import { DONE, isOrder, memoryOf, type Order } from './message.js'

const scope = globalThis as unknown as AnyPort
const isOurs = new URL(dom.location.href).searchParams.get('as') === 'ours'
const port = isOurs ? (wrapPort(scope as PortLike, { peer: 'wrapped' }) as unknown as AnyPort) : scope

let order: Order = { order: 'take', count: 0, isMoved: false }
let left = 0

port.addEventListener('message', event => {
  // Engines take a message in only when somebody asks for it.
  const { data } = event
  if (isOrder(data)) {
    order = data
    left = data.count
  } else if (order.order === 'take') {
    if (--left === 0) port.postMessage(DONE)
  } else if (!order.isMoved) port.postMessage(data)
  else if (isOurs) port.postMessage(data, { transfer: true })
  else port.postMessage(data, memoryOf(data))
})
