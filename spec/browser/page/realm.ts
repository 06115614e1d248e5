/** In the place of `node:vm`: a frame is another realm too. */
import { canEval } from '../../eval.js'
import { skip } from './checks.js'
import { dom } from './dom.js'

const NO_EVAL = 'an object of another realm is made by eval, which this page forbids'

// Made at once: a frame is a global of its page as well, and `canaries` counts those.
const frame = dom.document.createElement('iframe')
dom.document.body.append(frame)

export function runInNewContext(code: string): unknown {
  if (!canEval()) skip(NO_EVAL)
  return frame.contentWindow.eval(code)
}
