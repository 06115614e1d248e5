import Tinypool from 'tinypool'
import { transfer, wrapTask } from '../../src/adapters/piscina.js'
import { api, moreTypes } from './kit.js'

type Call = [method: keyof typeof api, ...args: unknown[]]

const options = { types: moreTypes }
const call = ([method, ...args]: Call): unknown => (api[method] as (...args: unknown[]) => unknown)(...args)

export default wrapTask(Tinypool, call, options)

const kept = new Float64Array(1024)
/** Bytes left of what was returned before. */
export const left = wrapTask(Tinypool, () => kept.byteLength, options)
export const keep = wrapTask(Tinypool, () => kept, options)
export const move = wrapTask(Tinypool, () => Tinypool.move(kept), options)
export const give = wrapTask(Tinypool, () => transfer({ kept }, [kept]), options)

let grown = new Float64Array(1024)
export const all = wrapTask(Tinypool, () => ({ grown }), { ...options, transfer: true })
export const leftOfAll = wrapTask(Tinypool, () => {
  const { byteLength } = grown
  grown = new Float64Array(1024)
  return byteLength
})
