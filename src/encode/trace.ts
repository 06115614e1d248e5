/** The path of an error: every container on the way out puts its own step in front. */
import { isOutbandError } from '../errors.js'

/** The error with one more step of the path in front; errors that are not ours pass unchanged. */
export function traced(error: unknown, step: string | number): unknown {
  if (!isOutbandError(error)) return error
  const name =
    typeof step === 'number'
      ? `[${step}]`
      : /^[A-Za-z_$][\w$]*$/.test(step)
        ? `.${step}`
        : `[${JSON.stringify(step)}]`
  Object.assign(error, { path: name + (error.path ?? '') })
  return error
}
