/** Which ports somebody hears: of two, both would get all that comes. A port comes back from another thread as another object. */
import { expectArgument } from '../errors.js'

const claimed = new WeakSet<object>()

/** @throws TypeError for a port that a channel or a wrapped port has already; `name` is the argument's */
export function expectFree(port: object, name: string): void {
  expectArgument(!claimed.has(port), name, 'one that no other channel or wrapped port has')
}

/** Takes a port until the function that it returns is called. @throws TypeError as `expectFree` does */
export function claim(port: object, name: string): () => void {
  expectFree(port, name)
  claimed.add(port)
  return () => {
    claimed.delete(port)
  }
}
