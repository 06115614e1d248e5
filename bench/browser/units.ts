/** Numbers with their units, three digits each. */

const digits = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)

export function time(ms: number): string {
  if (ms >= 1000) return `${digits(ms / 1000)} s`
  return ms >= 1 ? `${digits(ms)} ms` : `${digits(ms * 1000)} µs`
}

/** Powers of 1024. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB']
  let unit = 0
  for (; count >= 1024 && unit < units.length - 1; unit++) count /= 1024
  return `${digits(count).replace(/\.0+$/, '')} ${units[unit]}`
}

export function perSecond(count: number): string {
  return `${digits(count)} /s`
}

export function percent(part: number): string {
  return `${(part * 100).toFixed(part < 0.1 ? 1 : 0)} %`
}

/** `2.31` for 2.31 times; never rounds a loss up to a draw. */
export function times(ratio: number): string {
  return (ratio < 1 ? Math.floor(ratio * 100) / 100 : ratio).toFixed(2)
}
