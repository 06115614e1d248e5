/** Rings as carriers: the contract in one thread and between two, and what is particular to rings. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { contract } from '../contract.js'
import { ringPair, ringWorkerPair } from './pairs.js'

const abilities = { transfers: true, shares: true, kills: true }

contract('ring', ringPair, { ...abilities, unattended: 'ring' })
contract('ring to a Worker', ringWorkerPair, { ...abilities, unattended: 'ringWorker' })

const particular = suite('rings: what is particular to them')
particular('x', () => assert.ok(true))
particular.run()
