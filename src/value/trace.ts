/** The path of an error: every container on the way out puts its own step in front. */
import { isOutbandError, isStackOverflow, OutbandError, TOO_DEEP } from '../errors.js'

/** A key, an index, or what is no access: an entry, a member, a custom type. */
export type Step = string | number | { readonly within: string }

/** An error of this walk; the containers on the way out add where. */
export function stopped(code: 'UNSUPPORTED' | 'DETACHED', what: string): OutbandError {
  return new OutbandError(code, `encode: ${what}`)
}

/**
 * Whether the error is one of this walk. Others come from code of the caller that encodes or decodes itself;
 * a path that begins with `value` has left its encode already.
 */
export function isUnderWay(error: unknown): error is OutbandError {
  return (
    isOutbandError(error, 'UNSUPPORTED', 'DETACHED', 'LIMIT') &&
    error.message.startsWith('encode: ') &&
    !error.path?.startsWith('value')
  )
}

/** The error with one more step of the path in front; errors that are not ours pass unchanged. */
export function traced(error: unknown, step: Step): unknown {
  if (isUnderWay(error)) Object.assign(error, { path: nameOf(step) + (error.path ?? '') })
  return error
}

function nameOf(step: Step): string {
  if (typeof step === 'number') return `[${step}]`
  if (typeof step === 'object') return `<${step.within}>`
  return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
}

/** The longest path told in full. */
const LONGEST_PATH = 200

/** Puts the path into an error of ours, and turns the engine's stack overflow into the limit it is. */
export function explained(error: unknown): unknown {
  if (isStackOverflow(error)) {
    return new OutbandError('LIMIT', `encode: ${TOO_DEEP}`, { limit: 'depth', cause: error })
  }
  if (!isUnderWay(error)) return error
  const whole = `value${error.path ?? ''}`
  const path =
    whole.length <= LONGEST_PATH
      ? whole
      : `${whole.slice(0, LONGEST_PATH / 2)}…${whole.slice(-LONGEST_PATH / 2)}`
  const { stack, message } = error
  Object.assign(error, { path, message: `${message} at ${path}` })
  if (stack !== undefined) error.stack = stack.replace(message, () => error.message)
  return error
}
