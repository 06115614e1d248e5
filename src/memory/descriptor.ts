/** A file descriptor that is closed once, by hand or because nothing is left that needs it. */
import { closeSync } from 'node:fs'

const collected = new FinalizationRegistry<number>(fd => closeSync(fd))

export class Descriptor {
  #isClosed = false

  constructor(readonly fd: number) {
    collected.register(this, fd, this)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    collected.unregister(this)
    closeSync(this.fd)
  }
}
