/** Somebody between the two ends, who spoils what goes one way, once. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Dice } from '../mutate.js'
import { socketsOf } from './scenario.js'
import { type Address, rawTo } from './transports.js'
import type { Trial } from './trial.js'

/** What is passed on for a chunk that has the byte at `at` in it; nothing: both ends are cut off. */
type Spoil = (chunk: Buffer, at: number, dice: Dice) => Buffer | undefined

const flip: Spoil = (chunk, at, dice) => {
  chunk[at]! ^= 1 << dice.below(8)
  return chunk
}
const some = (dice: Dice, most: number): Buffer =>
  Buffer.from(Array.from({ length: 1 + dice.below(most) }, () => dice.below(256)))

export const spoils = {
  'a bit is flipped': flip,
  'bits are flipped': (chunk, at, dice) => {
    for (let next = at; next < chunk.length; next += 1 + dice.below(5000)) flip(chunk, next, dice)
    return chunk
  },
  'a byte is missing': (chunk, at) => Buffer.concat([chunk.subarray(0, at), chunk.subarray(at + 1)]),
  'some bytes are more': (chunk, at, dice) =>
    Buffer.concat([chunk.subarray(0, at), some(dice, 100), chunk.subarray(at)]),
  'garbage in its place': (chunk, at, dice) => Buffer.concat([chunk.subarray(0, at), some(dice, 5000)]),
  'a part comes twice': (chunk, at) => Buffer.concat([chunk, chunk.subarray(at)]),
  'a part is missing': (chunk, at) => chunk.subarray(0, at),
  'both are cut off': () => undefined,
} satisfies Record<string, Spoil>

/** A place that leads to the address, by way of one who spoils one byte of the first megabyte, or soon after the start. */
export async function spoilt(trial: Trial, address: Address, kind: keyof typeof spoils): Promise<Address> {
  const { dice } = trial
  const way = dice.below(2)
  const at = dice.below(dice.pick([100, 1000, 100_000, 500_000]))
  const spoil: Spoil = spoils[kind]
  const server = createServer({ allowHalfOpen: true }, async near => {
    near.pause()
    const far = await rawTo(address)
    const ends: [Socket, Socket] = [near, far]
    for (const end of ends) {
      end.on('error', () => {})
      end.once('close', () => {
        for (const other of ends) other.destroy()
      })
    }
    trial.leave(() => near.destroy())
    for (const [i, from] of ends.entries()) pass(from, ends[1 - i]!, i === way ? spoil : undefined, at, dice)
    near.resume()
  })
  server.listen(socketsOf(trial).place())
  await once(server, 'listening')
  trial.leave(() => server.close())
  const where = server.address() as string | AddressInfo
  return typeof where === 'string' ? where : { port: where.port, host: '127.0.0.1' }
}

function pass(from: Socket, to: Socket, spoil: Spoil | undefined, at: number, dice: Dice): void {
  let passed = 0
  from.on('data', (chunk: Buffer) => {
    const isHere = spoil !== undefined && passed <= at && at < passed + chunk.length
    const spoilt = isHere ? spoil(chunk, at - passed, dice) : chunk
    passed += chunk.length
    if (spoilt === undefined) {
      from.destroy()
      to.destroy()
    } else if (!to.write(spoilt)) {
      from.pause()
      to.once('drain', () => from.resume())
    }
  })
  from.on('end', () => to.end())
}
