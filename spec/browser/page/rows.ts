/** Rows of the tables of fixtures, in a page. */
import type { ValueRow } from '../../../fixtures/values.js'
import { skip } from './checks.js'
import { NoBuffer } from './missing.js'

/** Why a check is passed over. */
export const NOT_ISOLATED = 'shared memory needs a page that is cross-origin isolated'
const NO_BUFFER = 'there are no Buffers outside Node'

/** The value of a row; the check is passed over where it cannot be made. */
export function made<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof NoBuffer) skip(NO_BUFFER)
    throw error
  }
}

/** What must arrive. */
export function expected(row: ValueRow, sent: unknown): unknown {
  return row.arrives === undefined ? sent : row.arrives(sent as never)
}
