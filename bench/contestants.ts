import { ours } from './ours.js'
import { rivals } from './rivals.js'

/** Everyone, ourselves first. */
export const contestants = [...ours, ...rivals]
