/** Days, times and instants as other formats write them: engines shift those that there are not (30 February) to others. */
import { malformed } from './malformed.js'

/** A Date is at most so many milliseconds away from 1970. */
const MOST_MS = 8.64e15

/** Milliseconds of a day's midnight in UTC, from the year 0 on; undefined for a day that there is not. */
export function midnight(year: number, month: number, day: number): number | undefined {
  const date = new Date(0)
  const ms = date.setUTCFullYear(year, month - 1, day)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? ms : undefined
}

/** The time of a Date, or NaN. `at`: its byte in the metadata. @throws MALFORMED for one that no Date has */
export function dateMs(ms: number, at: number): number {
  if (Math.abs(ms) > MOST_MS) throw malformed('a date past those of JavaScript', { offset: at })
  return ms
}

const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/i
const LEAP = 60
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/**
 * Milliseconds of a date in text, as RFC 3339 has it; undefined for any other. A leap second, the last of a day in UTC, is
 * the second that follows, as of clocks that know none.
 */
export function parseRfc3339(text: string): number | undefined {
  const match = RFC_3339.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number)
  const [fraction = '', sign, aheadHours = 0, aheadMinutes = 0] = match.slice(7)
  const day0 = midnight(year, month, day)
  if (day0 === undefined) return undefined
  const ahead = (Number(aheadHours) * 60 + Number(aheadMinutes)) * (sign === '-' ? -1 : 1)
  const minuteMs = day0 + (hour * 60 + minute - ahead) * MINUTE_MS
  if (second === LEAP && (minuteMs + MINUTE_MS) % DAY_MS !== 0) return undefined
  // The millisecond that has begun.
  return minuteMs + second * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'))
}
