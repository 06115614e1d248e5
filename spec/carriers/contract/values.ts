import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { values } from '../../../fixtures/values.js'
import { Channel } from '../../../src/channel.js'
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
      await within(all, 'all values', 10_000)
      assert.is(at, rows.length)
    } finally {
      await dispose()
    }
  })

  echo.run()
}
