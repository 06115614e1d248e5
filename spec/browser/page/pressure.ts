/** Whether a reader that does not read, or reads slowly, holds back who sends to it. */
import * as assert from 'uvu/assert'
import type { Channel } from '../../../src/channel.js'
import { inTime } from './checks.js'

const TOTAL = 80
/** Bytes of each value. */
const BYTES = 2 ** 16

/**
 * Sends to a peer that is late and answers each value. Whoever does not wait has sent all before the first answer; who does
 * is never further ahead of the answers than both directions have room for. So no clock is asked.
 */
export async function waitsForReader(channel: Channel, expect: (answer: unknown) => void): Promise<void> {
  const bytes = new Uint8Array(BYTES)
  let [sent, answered, most] = [0, 0, 0]
  const sending = (async () => {
    for (; sent < TOTAL; sent++) {
      most = Math.max(most, sent - answered)
      await channel.send(bytes)
    }
  })()
  const reading = (async () => {
    for await (const answer of channel) {
      expect(answer)
      if (++answered === TOTAL) return
    }
  })()
  await inTime(Promise.all([sending, reading]))
  assert.ok(most > 0 && most < TOTAL / 2, `${most} were sent that nobody had read`)
}
