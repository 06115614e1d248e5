/** How long a connection may take to be one. */
import { OutbandError, timerMs } from '../errors.js'

export interface OpeningOptions {
  /** How many ms connecting may take. Default 10 000; 0: as long as the system allows. */
  readonly connectTimeoutMs?: number | undefined
}

/** Settles as `opened` does. Rejects with TIMEOUT when that takes longer; `stage` is who says so. */
export async function openedWithin(
  opened: Promise<unknown>,
  connectTimeoutMs: number,
  stage: string,
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    if (connectTimeoutMs === 0) return
    const error = new OutbandError('TIMEOUT', `${stage}: not connected for ${connectTimeoutMs} ms`)
    timer = setTimeout(() => reject(error), timerMs(connectTimeoutMs))
  })
  try {
    await Promise.race([opened, late])
  } finally {
    clearTimeout(timer)
  }
}
