// The child process of the demo that shares memory: sends back what came, and lets go of it if there are arrays in it.

import { connectParent } from '../process/index.js'
import { release } from '../shm/index.js'

const channel = connectParent<{ value: unknown; isLent: boolean }, unknown>()
channel.on('message', async ({ value, isLent }) => {
  await channel.send(value)
  if (isLent) release(value)
})
