/** The golden packets of other formats: made as they were, read as they were, and cut at every byte. */
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { goldenTypes } from '../fixtures/golden.js'
import { goldenFormats } from '../fixtures/golden-formats.js'
import { type FormatEntry, formatPacket, goldenFolder } from '../fixtures/make.js'
import { Codec, type Packet } from '../src/index.js'
import { difference } from './same.js'
import { codeOf, quietly } from './thrown.js'

const read = (name: string) => new Uint8Array(readFileSync(new URL(name, goldenFolder)))
const index: readonly FormatEntry[] = JSON.parse(new TextDecoder().decode(read('formats.json')))

const test = suite('golden: other formats')

test('they are listed in order', () =>
  assert.equal(
    index.map(({ name }) => name),
    goldenFormats.map(({ name }) => name),
  ))

for (const [i, row] of goldenFormats.entries()) {
  const { name, format, make, arrives } = row
  const packet: Packet = {
    meta: read(`${name}.meta`),
    buffers: index[i]!.buffers.map((_, number) => read(`${name}.${number}.bin`)),
  }
  const codec = new Codec({ format, types: goldenTypes })

  test(`${name}: encode makes the same bytes`, () => {
    const { meta, buffers } = formatPacket(row)
    assert.is(Buffer.compare(meta, packet.meta), 0)
    assert.equal(
      buffers.map(buffer => Buffer.from(buffer).toString('hex')),
      packet.buffers.map(buffer => Buffer.from(buffer).toString('hex')),
    )
  })

  test(`${name}: decode gives the value back`, () => {
    assert.is(difference((arrives ?? make)(), codec.decode(packet)), undefined)
  })

  test(`${name}: no prefix is a value`, () => {
    // FlexBuffers begin at their end: what is cut off is never missed, but what is left makes no sense.
    const wanted = format.name === 'flexbuffers' ? ['MALFORMED', 'BUFFERS', 'LIMIT'] : ['TRUNCATED']
    let values = 0
    quietly(() => {
      for (let length = 0; length < packet.meta.length; length++) {
        const code = codeOf(() => codec.decode({ ...packet, meta: packet.meta.subarray(0, length) }))
        if (code === undefined && format.name === 'flexbuffers') values++
        else assert.ok(wanted.includes(code ?? 'none'), `${length} bytes: ${code}`)
      }
    })
    assert.ok(values < packet.meta.length / 2)
  })
}

test.run()
