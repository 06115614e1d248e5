import Piscina from 'piscina'
import { transfer, wrapTask } from '../../src/adapters/piscina.js'
import { api, moreTypes } from './kit.js'

type Call = [method: keyof typeof api, ...args: unknown[]]

const options = { types: moreTypes }
const call = ([method, ...args]: Call): unknown => (api[method] as (...args: unknown[]) => unknown)(...args)

export default wrapTask(Piscina, call, options)

const kept = new Float64Array(1024)
/** Bytes left of what was returned before. */
export const left = wrapTask(Piscina, () => kept.byteLength, options)
export const keep = wrapTask(Piscina, () => kept, options)
export const move = wrapTask(Piscina, () => Piscina.move(kept), options)
export const give = wrapTask(Piscina, () => transfer({ kept }, [kept]), options)

let grown = new Float64Array(1024)
export const all = wrapTask(Piscina, () => ({ grown }), { ...options, transfer: true })
export const leftOfAll = wrapTask(Piscina, () => {
  const { byteLength } = grown
  grown = new Float64Array(1024)
  return byteLength
})
