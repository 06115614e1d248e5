// The child process of the demo: sends back what came, on either of its two channels.

import { connectParent } from '../process/index.js'

const channel = connectParent()
channel.on('message', value => {
  void channel.send(value)
})
process.on('message', value => process.send?.(value))
