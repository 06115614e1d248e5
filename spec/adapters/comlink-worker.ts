import { parentPort } from 'node:worker_threads'
import * as Comlink from 'comlink'
import { install } from '../../src/adapters/comlink.js'
import { wrapPort } from '../../src/port/index.js'
import { Counter, methods, setUp } from './comlink-api.js'
import { moreTypes } from './kit.js'

const isWrapped = process.argv[2] === 'wrapped'
if (parentPort === null) throw new Error('not a worker')
setUp()
if (!isWrapped) install(Comlink, { types: moreTypes })
const port = isWrapped ? wrapPort(parentPort, { types: moreTypes }) : parentPort
Comlink.expose({ ...methods, Counter }, port as unknown as Comlink.Endpoint)
