import workerpool from 'workerpool'
import { transfer, wrapMethods } from '../../src/adapters/workerpool.js'
import { api, moreTypes } from './kit.js'

const kept = new Float64Array(1024)
let cleaned = 0

const methods = {
  ...api,
  keep: (): Float64Array => kept,
  give: (): object => transfer({ kept }, [kept]),
  /** workerpool's own way. */
  giveBy: (): object => new workerpool.Transfer({ kept }, [kept]),
  left: (): number => kept.byteLength,
  tell(count: number): number {
    for (let i = 0; i < count; i++) workerpool.workerEmit({ i })
    return count
  },
  /** Goes on after it was cancelled. */
  patient(this: { worker: { addAbortListener(listener: () => Promise<void>): void } }): Promise<never> {
    this.worker.addAbortListener(async () => {
      cleaned++
    })
    workerpool.workerEmit('ready')
    return new Promise(() => {})
  },
  cleaned: (): number => cleaned,
}
export type PoolMethods = typeof methods

workerpool.worker(wrapMethods(workerpool, methods, { types: moreTypes }))
