/** An AudioWorklet whose processor's port has a peer at its end: a realm with promises, ports and hardly anything else. */
import type { AnyPort } from './dom.js'
import { type Role, serve } from './peer.js'

interface Worklet {
  readonly AudioWorkletProcessor: new () => { readonly port: AnyPort }
  registerProcessor(name: string, Processor: new (options: never) => object): void
}
const { AudioWorkletProcessor, registerProcessor } = globalThis as unknown as Worklet

registerProcessor(
  'peer',
  class extends AudioWorkletProcessor {
    constructor({ processorOptions }: { processorOptions: { role: Role } }) {
      super()
      serve(this.port, processorOptions.role)
    }
    /** Kept alive. */
    process(): boolean {
      return true
    }
  },
)
