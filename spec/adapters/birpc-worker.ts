import { parentPort } from 'node:worker_threads'
import { createBirpc } from 'birpc'
import { birpcPort } from '../../src/adapters/birpc.js'
import { wrapPort } from '../../src/port/index.js'
import { api, moreTypes } from './kit.js'
import { extra } from './rpc.js'

const functions = { ...api, ...extra }
if (parentPort === null) throw new Error('not a worker')
if (process.argv[2] === 'wrapped') {
  const port = wrapPort(parentPort, { types: moreTypes })
  createBirpc(functions, { post: message => port.postMessage(message), on: hear => port.on('message', hear) })
} else createBirpc(functions, birpcPort(parentPort, { types: moreTypes }))
