/** Sockets and other streams as carriers: the contract, and what is particular to them. */
import { closeSync, openSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { devNull } from 'node:os'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SocketLink } from '../../src/carriers/socket/link.js'
import { SocketCarrier } from '../../src/carriers/socket/socket.js'
import type { StreamOptions } from '../../src/carriers/stream/stream.js'
import { packBytes } from '../../src/frame/index.js'
import { packNote } from '../../src/frame/note.js'
import type { Packet } from '../../src/packet.js'
import { contract } from '../contract.js'
import { thrown } from '../thrown.js'
import { codeOf, Inbox, numbered, until, upTo, within } from './inbox.js'
import { socketPair, streamPair } from './pairs.js'
import { somePath } from './path.js'

const abilities = { transfers: true, shares: false, kills: true }

contract('socket', socketPair, { ...abilities, unattended: 'socket' })
contract('Duplex', streamPair, { ...abilities, unattended: 'duplex' })

const particular = suite('sockets: what is particular to them')

for (const stream of [undefined, null, 1, 'socket', {}, { cork() {} }]) {
  particular(`${String(stream)} is no stream: a TypeError`, () => {
    assert.instance(
      thrown(() => new SocketCarrier(stream as never)),
      TypeError,
    )
  })
}

/** A carrier, and the other end of its connection: a program that writes frames and knows no notes. */
async function plainPair(options?: StreamOptions): Promise<{ carrier: SocketCarrier; program: Socket }> {
  const path = somePath()
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  const accepted = new Promise<Socket>(resolve => server.once('connection', resolve))
  await new Promise<void>(resolve => server.listen(path, resolve))
  const program = connect(path)
  await new Promise<void>(resolve => program.once('connect', resolve))
  const carrier = new SocketCarrier(SocketLink.adopting(await accepted), options)
  server.close()
  return { carrier, program }
}

const frameOf = (number: number): Uint8Array => packBytes(numbered(number, 1000) as Packet)

particular('a program that writes frames, reads what is there and closes at once has closed', async () => {
  const { carrier, program } = await plainPair()
  program.resume()
  const inbox = new Inbox()
  for (const i of upTo(9)) program.write(frameOf(i))
  await new Promise<unknown>(resolve => program.write(frameOf(9), resolve))
  await new Promise(resolve => setTimeout(resolve, 20))
  program.destroy()
  carrier.receive(inbox)
  await within(carrier.closed, 'closed')
  assert.equal(inbox.numbers, upTo(10))
})

particular('what a peer wrote before it was gone arrives, though a write fails first', async () => {
  const { carrier, program } = await plainPair()
  const inbox = new Inbox()
  carrier.receive(inbox)
  for (const i of upTo(19)) program.write(frameOf(i))
  const written = new Promise<unknown>(resolve => program.write(frameOf(19), resolve))
  carrier.pause()
  await written
  program.destroy()
  assert.is(await codeOf(() => flood(carrier)), 'PEER_GONE')
  assert.is(inbox.error?.code, 'PEER_GONE')
  assert.equal(inbox.numbers, upTo(20))
})

particular('a peer that says bye again and again has said all once', async () => {
  const { carrier, program } = await plainPair({ allowHalfOpen: true })
  const inbox = new Inbox()
  let finishes = 0
  const finish = () => {
    finishes++
  }
  carrier.receive({ parcel: parcel => inbox.parcel(parcel), end: error => inbox.end(error), finish })
  program.resume()
  program.end(Buffer.concat([packNote('hello'), ...upTo(100).map(() => packNote('bye'))]))
  await until(() => carrier.hasHeardBye, 'bye')
  await within(carrier.close(), 'closed')
  assert.is(finishes, 1)
})

/** Sends until it fails. */
async function flood(carrier: SocketCarrier): Promise<never> {
  for (let i = 0; ; i++) {
    await carrier.send(numbered(i, 10))
    if (i % 100 === 99) await new Promise(resolve => setImmediate(resolve))
  }
}

particular('a descriptor that is closed, or of a file, is no socket: a TypeError', () => {
  const fd = openSync(devNull, 'r')
  assert.instance(
    thrown(() => SocketLink.on(fd)),
    TypeError,
  )
  closeSync(fd)
  assert.instance(
    thrown(() => SocketLink.on(fd)),
    TypeError,
  )
})

particular.run()
