/** What every adapter owes to errors: table rows of a method and what its call must reject with. */
import * as assert from 'uvu/assert'
import { isOutbandError, OutbandError } from '../../src/errors.js'
import { type Api, QuotaError } from './kit.js'

export async function rejection(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return error
  }
  return assert.unreachable('nothing was thrown')
}

export const errorRows: readonly (readonly [
  method: keyof Api,
  fact: string,
  check: (error: unknown) => void,
])[] = [
  [
    'quota',
    'a registered error keeps its class, code, buffers and cause',
    error => {
      assert.instance(error, QuotaError)
      const { message, code, left, cause } = error as QuotaError
      assert.equal([message, code, left.length, left[999]], ['no room', 'QUOTA', 1000, 4])
      assert.instance(cause, RangeError)
      assert.is((cause as RangeError).message, 'too far')
    },
  ],
  [
    'plain',
    'a built-in error keeps its class, stack, code, fields and cause',
    error => {
      assert.instance(error, TypeError)
      const { message, stack, code, path, cause } = error as TypeError & { code: string; path: string[] }
      assert.equal([message, code, path, cause], ['plain', 'EPLAIN', ['a'], { at: 7 }])
      assert.match(String(stack), /kit\.js/)
    },
  ],
  [
    'ours',
    'an OutbandError keeps its class, code and fields',
    error => {
      assert.instance(error, OutbandError)
      assert.ok(isOutbandError(error, 'TORN'))
      assert.equal([error.message, error.offset, (error.cause as Error).message], ['ours', 9, 'beneath'])
      assert.equal(Object.keys(error), ['code', 'offset'])
    },
  ],
  [
    'odd',
    'of an error only the fields that cannot travel are left out',
    error => {
      assert.instance(error, RangeError)
      const { name, message, stack, cause, ...fields } = error as RangeError & { again: unknown }
      assert.equal([name, message, cause], ['OddError', 'odd', { at: 7 }])
      assert.match(String(stack), /kit\.js/)
      assert.equal(Object.keys(fields), ['code', 'status', 'again'])
      assert.is(fields.again, error)
    },
  ],
  [
    'oddElsewhere',
    'an error of another realm is one of its class here',
    error => {
      assert.instance(error, RangeError)
      const { message, cause, ...fields } = error as RangeError
      assert.is(message, 'odd')
      assert.is((cause as Error[])[0]?.message, 'beneath')
      assert.equal(fields, { code: 'EODD' })
    },
  ],
  [
    'oddBeneath',
    'of its causes, and of errors in a list, too',
    error => {
      assert.instance(error, QuotaError)
      const { message, code, left, cause } = error as QuotaError
      assert.equal([message, code, left.length], ['no room', 'QUOTA', 1000])
      assert.instance(cause, AggregateError)
      const [odd, well] = (cause as AggregateError).errors as Error[]
      assert.equal(Object.keys(odd!), ['code', 'status', 'again'])
      assert.is(well?.message, 'well')
    },
  ],
  [
    'unreadable',
    'an error that cannot travel at all is UNSUPPORTED, with what can of it as cause',
    error => {
      assert.ok(isOutbandError(error, 'UNSUPPORTED'))
      assert.match(error.message, /cannot travel/)
      const { message, code } = error.cause as Error & { code: string }
      assert.equal([message, code], ['unreadable', 'EREAD'])
    },
  ],
  [
    'hollow',
    'what is no error and cannot travel is UNSUPPORTED',
    error => {
      assert.ok(isOutbandError(error, 'UNSUPPORTED'))
      assert.match(error.message, /value\.handler/)
    },
  ],
  ['literal', 'what is no error is thrown as it is', error => assert.is(error, 'a string')],
  [
    'unsendable',
    'a result that cannot travel is UNSUPPORTED, with its path',
    error => {
      assert.ok(isOutbandError(error, 'UNSUPPORTED'), String(error))
      assert.match(error.path ?? '', /rows\[0\]\.done$/)
    },
  ],
  [
    'foreign',
    'a result of a type that this side does not know is UNKNOWN_TYPE',
    error => {
      assert.ok(isOutbandError(error, 'UNKNOWN_TYPE'), String(error))
      assert.is(error.tag, 'foreign')
    },
  ],
]
