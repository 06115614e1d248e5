/** Methods beside those of the kit, for libraries that call both ways. */
import { transfer } from '../../src/adapters/birpc.js'

let kept = new Float64Array(1024)
const events: unknown[] = []

export const extra = {
  keep: (): Float64Array => kept,
  /** Gives memory away. */
  give: (): { kept: Float64Array } => transfer({ kept }, [kept]),
  /** What no port takes: one that is closed already. */
  closed: async (): Promise<object> => {
    const { port1 } = new MessageChannel()
    port1.close()
    await new Promise(resolve => setTimeout(resolve, 20))
    return { port: port1 }
  },
  /** Bytes left of what was returned before. */
  left: (): number => {
    const { byteLength } = kept
    if (byteLength === 0) kept = new Float64Array(1024)
    return byteLength
  },
  note: (event: unknown): void => {
    events.push(event)
  },
  noted: (): unknown[] => events,
}

export type Extra = typeof extra
