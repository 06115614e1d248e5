import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { values } from '../../../fixtures/values.js'
import { Channel } from '../../../src/channel.js'
import { encode } from '../../../src/index.js'
import type { Abilities, Make } from '../../contract.js'
import { difference } from '../../same.js'
import { within } from '../inbox.js'

export function channels(name: string, make: Make, { shares }: Abilities): void {
  const echo = suite(`${name}: values`)

  echo('every value comes back equal through a peer that sends packets back', async () => {
    const { left, right, dispose } = await make({})
    try {
      const rows = values.filter(({ isShared }) => shares || !isShared)
      await right.receive({
        parcel: parcel => {
          void right.send(parcel)
        },
        end: () => {},
      })
      const channel = new Channel(left)
      const sent = rows.map(row => row.make())
      for (const value of sent) void channel.send(value)
      let at = 0
      const all = (async () => {
        for await (const copy of channel) {
          const row = rows[at]!
          const found = difference(row.arrives?.(sent[at] as never) ?? sent[at], copy)
          assert.is(found, undefined, `${row.name}: ${found}`)
          if (++at === rows.length) break
        }
      })()
      await within(all, 'all values')
      assert.is(at, rows.length)
    } finally {
      await dispose()
    }
  })

  echo(
    'who answers each value before it reads the next gets on, though the peer sends all the time',
    async () => {
      const { left, right, dispose } = await make({ highWaterMark: 2 ** 20 })
      const count = 300
      try {
        let returned = 0
        const all = new Promise<void>(resolve => {
          void right.receive({
            parcel: () => {
              if (++returned === count) resolve()
            },
            end: () => {},
          })
        })
        const channel = new Channel(left, { maxWaiting: 2 })
        const answers = (async () => {
          for await (const value of channel) await channel.send(value)
        })()
        answers.catch(() => {})
        const { meta, buffers } = encode(new Uint8Array(32_768))
        for (let i = 0; i < count; i++) await within(right.send({ meta, buffers }), `room for value ${i}`)
        await within(all, `all of them, after ${returned}`)
      } finally {
        await dispose()
      }
    },
  )

  echo.run()
}
