/** Hostile bodies: refused with the code that the tables of hostile frames and packets say, and soon. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { frameRows } from '../../fixtures/hostile/frames.js'
import { hostile } from '../../fixtures/hostile.js'
import { packBytes } from '../../src/frame/index.js'
import {
  type ErrorCode,
  encode,
  isOutbandError,
  LIMITS,
  type Limits,
  type PacketLike,
} from '../../src/index.js'
import { PacketDecoderStream } from '../../src/streams/index.js'
import { inBudget } from '../budget.js'
import { collect } from '../collect.js'
import { whileFlipped } from '../flipped.js'
import { pushed, whole } from '../frames.js'
import { canaries } from '../prototypes.js'
import { arrivalOf, bytesOf, counting, KiB, type Outcome, outcomeOf } from './kit.js'

function expectCode(error: unknown, code: ErrorCode): void {
  assert.ok(isOutbandError(error, code), `wanted ${code}, got ${String(error)}`)
}

const peers = suite('streams: hostile peers')
const untouched = canaries()

/** What arrives of a body, within the budget of time and without a trace. */
async function ended(name: string, body: Uint8Array, limits: Limits): Promise<Outcome<unknown>> {
  const outcome = await inBudget(() => ({ size: body.length, run: () => arrivalOf([body], { limits }) }))
  assert.is(untouched(), undefined, name)
  return outcome
}

for (const { threat, name, make, limits, untrusted, streamed = untrusted } of frameRows) {
  if (typeof streamed !== 'string') continue
  peers(`${threat}: ${name}`, async () => {
    const allowed = { ...LIMITS.untrusted, ...limits }
    const body = make()
    const { items, error } = await ended(name, body, allowed)
    // No packet of these rows can be decoded.
    const isFramed = pushed(body, whole, { limits: allowed }).packets.length > 0
    expectCode(error, isFramed ? 'MALFORMED' : streamed)
    assert.equal(items, [])
  })
}

/** A packet as the peer would frame it; some are nothing that a frame can hold. */
function framed({ meta, buffers }: PacketLike): Uint8Array | undefined {
  // Some are asked for one by one, for ever.
  if (!Array.isArray(buffers)) return undefined
  try {
    return packBytes({ meta, buffers })
  } catch {
    return undefined
  }
}

const packets = hostile.filter(({ untrusted, types }) => typeof untrusted === 'string' && types === undefined)
let tried = 0
for (const threat of new Set(packets.map(({ threat }) => threat))) {
  peers(`${threat}: packets in good frames`, async () => {
    for (const { name, make, limits, untrusted } of packets.filter(row => row.threat === threat)) {
      const allowed: Limits = { ...LIMITS.untrusted, ...limits }
      const body = framed(make(allowed))
      // Memory that is shared, or no buffer at all, is another thing once it is framed.
      if (body === undefined || untrusted === 'BUFFERS' || name.startsWith('shared memory')) continue
      const { items, error } = await ended(name, body, allowed)
      assert.ok(
        isOutbandError(error, untrusted as ErrorCode),
        `${name}: wanted ${untrusted}, got ${String(error)}`,
      )
      assert.equal(items, [], name)
      tried++
    }
  })
}

peers('of most rows there is a frame', () => {
  assert.ok(tried > packets.length * 0.8, `${tried} of ${packets.length}`)
})

peers('a head over the limit is refused before its body is asked for', async () => {
  let asked = 0
  const frame = packBytes(encode({ samples: counting(300 * KiB) }))
  const body = new ReadableStream<Uint8Array>(
    {
      pull: controller => {
        const at = asked++ * KiB
        controller.enqueue(frame.subarray(at, at + KiB))
      },
    },
    { highWaterMark: 0 },
  )
  const decoder = new PacketDecoderStream({ limits: { bufferBytes: 300 * KiB - 1 } })
  const { items, error } = await outcomeOf(body.pipeThrough(decoder))
  assert.equal(items, [])
  expectCode(error, 'LIMIT')
  assert.ok(asked <= 2, `${asked} KiB were asked for`)
})

peers('a gzip bomb is refused where its head is out of bounds, not where memory is', async () => {
  const head = packBytes({ meta: new Uint8Array(0), buffers: [new Uint8Array(8)] })
  new DataView(head.buffer).setBigUint64(24, 2n ** 30n, true)
  let zeros = 0
  const bomb = new ReadableStream<Uint8Array>(
    {
      pull: controller => {
        if (zeros === 0) controller.enqueue(head)
        if (zeros++ === 64) controller.close()
        else controller.enqueue(new Uint8Array(2 ** 20))
      },
    },
    { highWaterMark: 0 },
  )
  const zipped = await new Response(bomb.pipeThrough(new CompressionStream('gzip'))).arrayBuffer()
  assert.ok(zipped.byteLength < 70 * KiB)
  collect()
  const before = process.memoryUsage().arrayBuffers
  const unzipped = new Blob([zipped]).stream().pipeThrough(new DecompressionStream('gzip'))
  const { error } = await outcomeOf(unzipped.pipeThrough(new PacketDecoderStream()))
  expectCode(error, 'LIMIT')
  assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 2 ** 20)
})

peers(
  'a chunk in shared memory that another thread flips: with checksums it is what was sent, or an error',
  async () => {
    const sent = new Uint8Array(16 * KiB)
    const frame = await bytesOf([sent], { checksum: true })
    const counts = { whole: 0, refused: 0 }
    await whileFlipped(
      frame,
      async shared => {
        const { items, error } = await arrivalOf([shared])
        if (error === undefined) assert.is(Buffer.compare(items[0] as Uint8Array, sent), 0)
        else expectCode(error, 'CHECKSUM')
        counts[error === undefined ? 'whole' : 'refused']++
      },
      () => counts.whole > 0 && counts.refused > 0,
      KiB,
    )
    assert.ok(counts.whole > 0 && counts.refused > 0, JSON.stringify(counts))
  },
)

peers.run()
