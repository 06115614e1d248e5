/** File descriptors, which are closed once: by hand, because nothing is left that needs them, or because something failed. */
import { closeSync } from 'node:fs'

const collected = new FinalizationRegistry<number>(fd => closeSync(fd))

/** The descriptor, when what is to be done with it first is done; else it is closed. */
export function prepared(fd: number, prepare: () => void): number {
  try {
    prepare()
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

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
