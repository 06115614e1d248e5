/** Failure of the contract: abort, a peer that dies, a sink that throws, and nobody who listens. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Carrier } from '../../../src/carriers/carrier.js'
import { type ErrorCode, OutbandError } from '../../../src/errors.js'
import type { Abilities, Far, Make, Test, WithPair } from '../../contract.js'
import { codeOf, Inbox, numbered, talk, turns, upTo, within } from '../inbox.js'

export function failing(name: string, withPair: WithPair, { kills }: Abilities): void {
  const failures = suite(`${name}: failure`)

  const aborts: [name: string, run: (test: Test) => unknown, left: ErrorCode, right: ErrorCode][] = [
    ['abort: CLOSED here, PEER_GONE there', ({ left }) => left.abort(), 'CLOSED', 'PEER_GONE'],
    ['abort by the peer: PEER_GONE here, CLOSED there', ({ right }) => right.abort(), 'PEER_GONE', 'CLOSED'],
    [
      'abort with an error: that here, PEER_GONE there',
      ({ left }) => left.abort(new OutbandError('LIMIT', 'spec: enough')),
      'LIMIT',
      'PEER_GONE',
    ],
    [
      'abort twice: the first counts',
      ({ left }) => {
        left.abort(new OutbandError('LIMIT', 'spec: enough'))
        left.abort()
      },
      'LIMIT',
      'PEER_GONE',
    ],
    [
      'abort while closing',
      async ({ left, right }) => {
        await right.pause()
        void left.send(numbered(0, 10))
        left.abort()
        void left.close()
      },
      'CLOSED',
      'PEER_GONE',
    ],
  ]
  for (const [row, run, here, there] of aborts) {
    failures(
      row,
      withPair(async test => {
        const { left, right, atLeft, atRight } = test
        await run(test)
        assert.is(await codeOf(() => left.closed), here)
        assert.is(await codeOf(() => right.closed), there)
        await Promise.all([atLeft.ended(), atRight.ended()])
        assert.is(await codeOf(() => left.send(numbered(1))), here)
        assert.is(await codeOf(() => left.close()), here)
        assert.is(await codeOf(() => right.send(numbered(1))), there)
        await turns(2)
        assert.equal([atLeft.ends, atRight.ends], [1, 1])
        assert.equal([atLeft.error?.code, atRight.error?.code], [here, there])
      }),
    )
  }

  failures(
    'nothing arrives after abort',
    withPair(async ({ left, right, atLeft }) => {
      for (const i of upTo(50)) void right.send(numbered(i))
      left.abort()
      await atLeft.ended()
      const { length } = atLeft.parcels
      await turns(5)
      assert.is(atLeft.parcels.length, length)
    }),
  )

  if (kills) {
    for (const after of [0, 1, 2, 3, 5, 8, 13, 21]) {
      failures(
        `the peer dies after ${after} turns: PEER_GONE, and what arrived is whole, in order, from the first`,
        withPair(
          async test => {
            const { left, right, atLeft, atRight, kill } = test
            if (after % 2 === 1) await talk(test)
            let isOver = false
            const flood = async (side: Carrier | Far) => {
              for (let i = 0; !isOver; i++) {
                await side.send(numbered(i, ...(i % 4 === 0 ? [50_000, 3] : [])))
                // A carrier within the thread would never let anybody else have a turn.
                if (i % 10 === 9) await turns(1)
              }
            }
            const outcome = codeOf(() => flood(left))
            // What the dying side throws, if it can, is its own.
            void flood(right).catch(() => {})
            await turns(after)
            await kill!()
            assert.is(await codeOf(() => left.closed), 'PEER_GONE')
            assert.is(await outcome, 'PEER_GONE')
            assert.is(await codeOf(() => left.send(numbered(0))), 'PEER_GONE')
            isOver = true
            await turns(2)
            assert.equal(atLeft.numbers, upTo(atLeft.parcels.length))
            assert.equal(atRight.numbers, upTo(atRight.parcels.length))
            assert.equal([atLeft.ends, atLeft.error?.code], [1, 'PEER_GONE'])
          },
          { highWaterMark: 200_000 },
        ),
      )
    }

    failures(
      'the peer dies while this side closes: never closed without a word',
      withPair(async ({ left, atRight, kill }) => {
        for (const i of upTo(100)) void left.send(numbered(i, 1000))
        const closed = left.close().then(
          () => 'closed',
          (error: OutbandError) => error.code,
        )
        await kill!()
        const outcome = await within(closed, 'closed')
        if (outcome === 'closed') assert.equal(atRight.numbers, upTo(100))
        else assert.is(outcome, 'PEER_GONE')
      }),
    )
  }

  failures.run()
}

/** A carrier whose sink throws at every packet and at the end; resolves to what was thrown by itself. */
async function throwingSink(left: Carrier, right: Far): Promise<{ thrown: unknown[]; numbers: number[] }> {
  const thrown: unknown[] = []
  const note = (error: unknown) => {
    thrown.push((error as Error).message)
  }
  const inbox = new Inbox()
  process.on('uncaughtException', note)
  try {
    await right.receive(new Inbox())
    left.receive({
      parcel: parcel => {
        inbox.parcel(parcel)
        throw new Error('from the sink')
      },
      end: error => {
        inbox.end(error)
        throw new Error('from the end')
      },
    })
    for (const i of upTo(5)) void right.send(numbered(i, ...(i > 2 ? [10] : [])))
    await inbox.reach(5)
    await right.close()
    await within(left.closed, 'closed')
    await turns(2)
  } finally {
    process.off('uncaughtException', note)
  }
  return { thrown, numbers: inbox.numbers }
}

export function throwing(name: string, make: Make): void {
  const sinks = suite(`${name}: a sink that throws`)

  sinks('loses no packet and no end; what it threw is thrown by itself', async () => {
    const { left, right, dispose } = await make({})
    try {
      const { thrown, numbers } = await throwingSink(left, right)
      assert.equal(numbers, upTo(5))
      assert.equal(thrown, [...Array<string>(5).fill('from the sink'), 'from the end'])
    } finally {
      await dispose()
    }
  })

  sinks.run()
}

export function unattended(name: string, pair: string): void {
  const faults = suite(`${name}: nobody listens`)

  faults('no fault ends the process, and nothing keeps it', async () => {
    const script = fileURLToPath(new URL('../unattended.js', import.meta.url))
    const child = spawn(process.execPath, [script, pair], { stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, errors] = ['', '']
    child.stdout.on('data', chunk => {
      out += chunk
    })
    child.stderr.on('data', chunk => {
      errors += chunk
    })
    const exit = once(child, 'close')
    try {
      const [code, signal] = await within(exit, 'the end of the process')
      assert.is(errors, '')
      assert.equal([code, signal], [0, null])
      assert.match(out, /^alive$/m)
    } finally {
      child.kill()
    }
  })

  faults.run()
}
