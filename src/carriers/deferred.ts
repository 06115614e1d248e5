/** A promise with its two ends in reach (`Promise.withResolvers`, which Node 20 lacks). Its rejection is never unhandled. */
export class Deferred {
  readonly promise: Promise<void>
  resolve!: () => void
  reject!: (error: unknown) => void

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    this.promise.catch(() => {})
  }
}
