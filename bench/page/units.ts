// Figures as people read them.

import { duration } from '../../src/cli/table.js'

export { bytes, duration } from '../../src/cli/table.js'

/** `1.34x`; never rounds a loss up to a draw, nor a draw up to a win. */
export function times(ratio: number): string {
  if (!Number.isFinite(ratio)) return '–'
  if (ratio >= 100) return `${Math.round(ratio).toLocaleString('en')}x`
  if (ratio >= 10) return `${ratio.toFixed(1)}x`
  return ratio < 0.01 ? `${ratio.toPrecision(1)}x` : `${(Math.floor(ratio * 100 + 1e-9) / 100).toFixed(2)}x`
}

/** `± 4 %`: half the distance between the quartiles. */
export function spread({ medianNs, q1Ns, q3Ns }: { medianNs: number; q1Ns: number; q3Ns: number }): string {
  const part = (50 * (q3Ns - q1Ns)) / medianNs
  return Number.isFinite(part) ? `± ${part.toFixed(0)} %` : ''
}

/** A power of two as memory is counted, `64 KiB`; other numbers as they are. */
export function size(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB']
  let unit = 0
  for (; count >= 1024 && unit < units.length - 1; unit++) count /= 1024
  return `${Number(count.toPrecision(3))} ${units[unit]}`
}

/** `10 k`, `1 M`. */
export function quantity(count: number): string {
  if (count >= 1e6) return `${Number((count / 1e6).toPrecision(3))} M`
  return count >= 1e4 && count % 1000 === 0 ? `${count / 1000} k` : count.toLocaleString('en')
}

/** Of an axis: `100 ns`, without the zeros that a figure has. */
export function tick(ns: number): string {
  const [number, unit] = duration(ns).split(' ')
  return `${Number(number)} ${unit}`
}
