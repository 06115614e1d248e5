/** The path of an error: every container on the way out puts its own step in front. */
import { isOutbandError, OutbandError } from '../errors.js'

/** A key, an index, or what is no access: an entry, a member, a custom type. */
export type Step = string | number | { readonly within: string }

/** An error of this walk; the containers on the way out add where. */
export function stopped(code: 'UNSUPPORTED' | 'DETACHED', what: string): OutbandError {
  return new OutbandError(code, `encode: ${what}`)
}

/** What the receiver would refuse, by the limits that both have. */
export function forbidden(limit: 'regexps' | 'errors' | 'shared'): OutbandError {
  return new OutbandError('UNSUPPORTED', `encode: limits.${limit} forbids it`, { limit })
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
