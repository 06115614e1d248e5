/**
 * Run in a process of its own: `node peak.js pushed|read BYTES`. One frame with a buffer of so many bytes comes through
 * a Deframer in pieces of 64 KiB; prints how far the memory of the process rose, over the bytes.
 */
import { Deframer, pack } from '../src/frame/index.js'
import { peakBytes } from './peak-bytes.js'

const [way, size] = process.argv.slice(2)
const byteLength = Number(size)

const piece = new Uint8Array(65_536).fill(7)
// A buffer that nobody touches takes no memory.
const [head, meta, padding] = pack({ meta: Uint8Array.of(1), buffers: [new Uint8Array(byteLength)] })
const deframer = new Deframer()
for (const chunk of [head!, meta!, padding!]) void deframer.push(chunk)
const before = process.memoryUsage().rss

const packets = []
for (let sent = 0; sent < byteLength; ) {
  const rest = Math.min(piece.length, byteLength - sent)
  if (way === 'pushed') {
    packets.push(...deframer.push(piece.subarray(0, rest)))
    sent += rest
    continue
  }
  const target = deframer.target()
  const filled = Math.min(target.length, rest)
  target.set(piece.subarray(0, filled))
  packets.push(...deframer.filled(filled))
  sent += filled
}

const [packet] = packets
if (packet?.buffers[0]?.length !== byteLength || packet.buffers[0].at(-1) !== 7)
  throw new Error('it did not arrive')
const peak = peakBytes()
console.log(JSON.stringify({ ratio: (peak - before) / byteLength }))
