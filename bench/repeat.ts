// A process that does things so many times, for instructions.ts: `node repeat.js WORKLOAD ENCODES DECODES`.

import { workload } from '../fixtures/workloads.js'
import { decode, encode } from '../src/index.js'
import { loop } from './contestant.js'

const [name, encodes, decodes] = process.argv.slice(2)
const value = await workload(name!).make()
const packet = encode(value)
loop(() => encode(value))(Number(encodes))
loop(() => decode(packet))(Number(decodes))
