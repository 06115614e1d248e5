/** The containers that a scan is in, innermost last. */

export interface Level {
  /** Whether its items are keys and values of an object. */
  isMap: boolean
  /** Whether its items come in twos. */
  isPaired: boolean
  isIndefinite: boolean
  depth: number
  /** Items that are still to come. */
  rest: number
}

/** Items still to come of an indefinite container: even, and more than any message has. */
export const UNKNOWN = 2 ** 31 - 2

export class Levels {
  /** Used again and again: an object for each container was as much as all the rest. */
  readonly #levels: Level[]
  #top = 0

  constructor(outerDepth: number) {
    this.#levels = [{ isMap: false, isPaired: false, isIndefinite: false, depth: outerDepth, rest: 1 }]
  }

  /** The container that the next item belongs to. */
  get top(): Level {
    return this.#levels[this.#top]
  }

  /** Leaves it for the one around it; undefined when there is none. */
  leave(): Level | undefined {
    return this.#top === 0 ? undefined : this.#levels[--this.#top]
  }

  /** Goes into a container. */
  enter(isMap: boolean, isPaired: boolean, rest: number, isIndefinite: boolean, depth: number): void {
    const level = this.#levels[++this.#top]
    if (level === undefined) {
      this.#levels.push({ isMap, isPaired, isIndefinite, depth, rest })
      return
    }
    level.isMap = isMap
    level.isPaired = isPaired
    level.isIndefinite = isIndefinite
    level.depth = depth
    level.rest = rest
  }
}
