import { formatContestants } from './formats.js'
import { memoryContestants } from './memory.js'
import { ours } from './ours.js'
import { ports } from './ports.js'
import { rivals } from './rivals.js'
import { streams } from './streams.js'

/** Everyone, ourselves first. */
export const contestants = [
  ...ours,
  ...rivals,
  ...ports,
  ...streams,
  ...memoryContestants,
  ...formatContestants,
]
