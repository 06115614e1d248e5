// A child process of the demo: sends back what came, by a channel of ours or by Node's own.

import { connectParent } from '../process/index.js'

if (process.send === undefined) {
  const channel = connectParent()
  channel.on('message', value => {
    void channel.send(value)
  })
} else process.on('message', value => process.send?.(value))
