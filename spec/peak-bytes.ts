/** How much memory a process has had. */
import { existsSync, readFileSync } from 'node:fs'

const STATUS = '/proc/self/status'

/**
 * The most memory that this process has had, in bytes. Linux keeps two counts, and that of `resourceUsage` begins with what
 * the parent had when it forked.
 */
export function peakBytes(): number {
  const line = existsSync(STATUS) ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(STATUS, 'utf8')) : null
  return (line === null ? process.resourceUsage().maxRSS : Number(line[1])) * 1024
}
