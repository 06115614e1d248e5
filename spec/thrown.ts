import * as assert from 'uvu/assert'
import { type ErrorCode, type ErrorFields, isOutbandError, type OutbandError } from '../src/index.js'

/** What `run` throws. Fails when it throws nothing, which a bare `try … catch` in a spec would let pass. */
export function thrown(run: () => unknown): unknown {
  let value: unknown
  try {
    value = run()
  } catch (error) {
    return error
  }
  throw new assert.Assertion({
    message: 'nothing was thrown',
    operator: 'throws',
    expects: 'an error',
    actual: value,
  })
}

/** Asserts that it is an error of ours, with this code, these fields, and a message that says where. @throws any other */
export function expectError(
  error: unknown,
  code: ErrorCode,
  fields: ErrorFields,
  stage: RegExp,
): OutbandError {
  if (!isOutbandError(error)) throw error
  assert.is(error.code, code, error.message)
  for (const [name, value] of Object.entries(fields)) {
    assert.is((error as unknown as Record<string, unknown>)[name], value, `${name}: ${error.message}`)
  }
  assert.match(error.message, stage)
  return error
}

/** The error of ours that `run` throws. */
export function refused(run: () => unknown, code: ErrorCode, fields: ErrorFields = {}): OutbandError {
  return expectError(thrown(run), code, fields, /^(encode|decode|outOfBand|pack|unpack): /)
}

/** The code of the error of ours that is thrown; nothing when there is a value. @throws whatever else is thrown */
export function codeOf(run: () => unknown): ErrorCode | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (isOutbandError(error)) return error.code
    throw error
  }
}

/** Runs without stacks, which are most of the price of an error. */
export function quietly(run: () => void): void {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    run()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
