/** What a peer may say, or write to the memory that both see, and must not: an error of ours, on either side. */
import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sharingOf } from '../../src/carriers/shm/sharing.js'
import { sharedWay } from '../../src/carriers/shm/way.js'
import { wordOf, wordsFor } from '../../src/carriers/shm/words.js'
import { SocketLink } from '../../src/carriers/socket/link.js'
import type { Annex } from '../../src/carriers/stream/annex.js'
import type { Link } from '../../src/carriers/stream/link.js'
import { StreamCarrier } from '../../src/carriers/stream/stream.js'
import type { ErrorCode } from '../../src/errors.js'
import { packBytes } from '../../src/frame/index.js'
import { packNote } from '../../src/frame/note.js'
import { isOutbandError, type Packet } from '../../src/index.js'
import { SharedArena } from '../../src/memory/arena/arena.js'
import { Conduit } from '../../src/memory/conduit.js'
import { Mapping } from '../../src/memory/mapping.js'
import { createMemoryFile } from '../../src/memory/memfd.js'
import { Inbox, numbered, upTo, within } from '../carriers/inbox.js'
import { somePath } from '../carriers/path.js'
import { isLinux } from './kit.js'

const arenas: SharedArena[] = []
const sharing = () => {
  const arena = SharedArena.create({ byteLength: 2 ** 20 })
  arenas.push(arena)
  return sharingOf({ arena, threshold: 4096, pipeBytes: 4096 })!
}

/** A connection: what was accepted, and who made it. */
async function connection(): Promise<{ own: SocketLink; peer: Socket }> {
  const path = somePath()
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(path)
  await once(server, 'listening')
  const peer = createConnection(path)
  const [socket] = (await once(server, 'connection')) as [Socket]
  server.close()
  return { own: SocketLink.adopting(socket), peer }
}

/** A carrier that takes part, and a program that says what it likes. */
async function withProgram(part: 'asks' | 'waits', run: (test: Program) => Promise<void>): Promise<void> {
  const { own, peer } = await connection()
  const { link, annex } = sharedWay(own, part, sharing())
  const carrier = new StreamCarrier(link, { limits: 'trusted', closeTimeoutMs: 0 }, undefined, annex)
  const inbox = new Inbox()
  carrier.receive(inbox)
  peer.on('error', () => {}).resume()
  peer.write(packNote('hello'))
  try {
    await run({
      carrier,
      inbox,
      peer,
      say: (...words) => words.map(word => peer.write(packNote('memory', word))),
    })
  } finally {
    carrier.abort()
    peer.destroy()
    for (const arena of arenas.splice(0)) arena.close()
  }
}

interface Program {
  readonly carrier: StreamCarrier
  readonly inbox: Inbox
  readonly peer: Socket
  say(...words: number[]): unknown
}

const codeOf = async (carrier: StreamCarrier): Promise<ErrorCode | undefined> => {
  const error = await within(
    carrier.closed.then(
      () => undefined,
      error => error,
    ),
    'the end',
    15_000,
  )
  return isOutbandError(error) ? error.code : undefined
}

const words = suite('shared memory: words that make no sense')
const linux = isLinux ? words : (words.skip as typeof words)

const place = { pid: process.pid, fds: [0], key: '0'.repeat(32) }
const taken = (number: number) => wordOf('taken', number)
const confused: [name: string, part: 'asks' | 'waits', words: number[]][] = [
  ['pipes that nobody described', 'waits', [wordOf('pipes')]],
  ['pipes for who has offered some', 'asks', wordsFor('pipes', place)],
  ['an arena without its table', 'waits', wordsFor('arena', place)],
  ['a part of a place too many', 'waits', [...upTo(6)].map(() => wordOf('own', 1))],
  [
    'a key in two parts',
    'waits',
    [wordOf('process', 1), wordOf('own', 1), wordOf('key'), wordOf('key'), wordOf('pipes')],
  ],
  ['an answer to nothing', 'waits', [taken(0)]],
  ['an answer about no arena', 'asks', [taken(1)]],
  ['two answers', 'asks', [taken(0), taken(0)]],
  ['an answer after a refusal', 'asks', [wordOf('refused', 0), taken(0)]],
  ['that bytes go by no pipe', 'waits', [wordOf('over')]],
  ['that bytes go by a pipe that was not taken', 'asks', [wordOf('over')]],
]
for (const [name, part, said] of confused) {
  linux(`${name}: MALFORMED`, () =>
    withProgram(part, async ({ carrier, say }) => {
      say(...said)
      assert.is(await codeOf(carrier), 'MALFORMED')
    }),
  )
}

linux('words that are not known are passed over', () =>
  withProgram('waits', async ({ carrier, inbox, peer, say }) => {
    say(wordOf('own', 3) + 20 * 2 ** 48, 2 ** 53 - 1)
    peer.write(packBytes(numbered(5, 10) as Packet))
    await inbox.reach(1)
    assert.equal(inbox.numbers, [5])
    assert.is(carrier.counts.copied, 0)
  }),
)

/** What is found at a place that is not what was said: it is refused, and all goes on by the socket. */
const fd = isLinux ? createMemoryFile('outband-spec', 4096) : -1
const elsewhere: [name: string, place: typeof place][] = [
  ['of no process', { ...place, pid: 2 ** 40 }],
  ['of a process that sees nobody', { ...place, pid: 2 ** 31 - 1 }],
  ['of the first process', { ...place, pid: 1 }],
  ['that is standard input', place],
  ['that is closed', { ...place, fds: [2 ** 30] }],
  ['of zeros', { ...place, fds: [fd] }],
]
for (const [name, at] of elsewhere) {
  linux(`a segment ${name} is refused, and packets go on`, () =>
    withProgram('waits', async ({ inbox, peer, say }) => {
      const answered = new Promise<Buffer>(resolve => {
        let all = Buffer.alloc(0)
        peer.on('data', chunk => {
          all = Buffer.concat([all, chunk])
          // A hello, and the answer.
          if (all.length >= 80) resolve(all)
        })
      })
      say(...wordsFor('pipes', at))
      const answer = await within(answered, 'an answer')
      assert.equal(Uint8Array.from(answer.subarray(40)), packNote('memory', wordOf('refused', 0)))
      peer.write(packBytes(numbered(5, 10) as Packet))
      await inbox.reach(1)
    }),
  )
}

for (const [name, key] of [
  ['another key', '1'.repeat(32)],
  ['a key of no length', ''],
] as const) {
  linux(`a conduit with ${name} is SHM_STALE`, () => {
    const { conduit, ticket } = Conduit.create(4096)
    assert.is(
      refusalOf(() => Conduit.open({ ...ticket, key })),
      'SHM_STALE',
    )
    Conduit.open(ticket).close()
    conduit.seal()
    assert.ok(
      ['SHM_STALE', 'PEER_GONE'].includes(refusalOf(() => Conduit.open(ticket))),
      'nobody opens it after the peer',
    )
    conduit.close()
  })
}

function refusalOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (isOutbandError(error)) return error.code
    throw error
  }
  return 'none'
}

const bug = (): never => {
  throw new TypeError('a bug of ours')
}
for (const [name, notes] of [
  ['a word', [packNote('memory', 1)]],
  ['a handle', [packNote('handles'), packBytes(numbered(5, 10) as Packet)]],
] as const) {
  words(
    `${name} that something stumbles over ends the connection, and no process: MALFORMED with its cause`,
    async () => {
      const { own, peer } = await connection()
      const annex: Annex = {
        open: () => {},
        hear: bug,
        owns: () => false,
        stow: () => undefined,
        recall: () => {},
        unstow: bug,
        ended: () => {},
      }
      const carrier = new StreamCarrier(own, {}, undefined, annex)
      carrier.receive(new Inbox())
      peer.on('error', () => {}).resume()
      for (const note of notes) peer.write(note)
      const error = await within(
        carrier.closed.catch(error => error),
        'the end',
      )
      assert.ok(isOutbandError(error, 'MALFORMED'), String(error))
      assert.instance(error.cause, TypeError)
      peer.destroy()
    },
  )
}

words.run()

/** Both ends in this process, by memory, and all that was mapped for it. */
async function withPair(run: (test: Joined) => Promise<void>): Promise<void> {
  const mappings: Mapping[] = []
  const open = Mapping.open
  Mapping.open = (...args) => {
    const mapping = open(...args)
    mappings.push(mapping)
    return mapping
  }
  const { own, peer } = await connection()
  const ends = [
    sharedWay(own, 'asks', sharing()),
    sharedWay(SocketLink.over(peer), 'waits', sharing()),
  ] as const
  const [left, right] = ends.map(
    ({ link, annex }) => new StreamCarrier(link, { limits: 'trusted' }, undefined, annex),
  ) as [StreamCarrier, StreamCarrier]
  const [atLeft, atRight] = [new Inbox(), new Inbox()]
  left.receive(atLeft)
  right.receive(atRight)
  try {
    assert.equal(await within(Promise.all(ends.map(({ annex }) => annex.joined)), 'joined'), [true, true])
    const [pipes] = mappings.filter(({ byteLength }) => byteLength === PIPES)
    const memory = pipes!.window(0, PIPES)
    const [pipesOf, bytes] = [new Int32Array(memory), new Uint8Array(memory)]
    await run({ left, right, link: ends[0].link, atRight, pipes: pipesOf, bytes })
  } finally {
    Mapping.open = open
    for (const carrier of [left, right]) carrier.abort()
    for (const arena of arenas.splice(0)) arena.close()
  }
}

interface Joined {
  readonly left: StreamCarrier
  readonly right: StreamCarrier
  /** Of the left one. */
  readonly link: Link
  readonly atRight: Inbox
  readonly pipes: Int32Array
  readonly bytes: Uint8Array
}

/** Written down again here: a head of 64 bytes, and two pipes of 256 bytes of words and 4096 bytes each. */
const PIPES = 64 + 2 * (256 + 4096)
const HEAD = 16
const TAIL = HEAD + 16

const corrupt = suite('shared memory: spoilt by the peer')
const mapped = isLinux ? corrupt : (corrupt.skip as typeof corrupt)
const spoils: [name: string, word: number, value: number][] = [
  ['a tail before the head', TAIL, -64],
  ['a tail past the end', TAIL, 2 ** 20],
  ['a head past the tail', HEAD, 2 ** 20],
  ['a head far behind', HEAD, -(2 ** 31)],
]
for (const [name, word, value] of spoils) {
  mapped(`${name}: RING_CORRUPT for who meets it, PEER_GONE for the other`, () =>
    withPair(async ({ left, right, pipes }) => {
      // More than the pipe holds, so that both ends look; and who moves on puts right what nobody looked at.
      const flood = async () => {
        for (let i = 0; ; i++) {
          pipes[word] = value
          const sent = left.send(numbered(i, 3000, 3000))
          pipes[word] = value
          await sent
        }
      }
      flood().catch(() => {})
      const codes = [await codeOf(left), await codeOf(right)]
      assert.ok(codes.includes('RING_CORRUPT'), String(codes))
      assert.ok(
        codes.every(code => code === 'RING_CORRUPT' || code === 'PEER_GONE'),
        String(codes),
      )
    }),
  )
}

mapped('bytes of a frame: an error of the frame', () =>
  withPair(async ({ left, right, bytes, atRight }) => {
    right.pause()
    void left.send(numbered(0, 3000))
    bytes.fill(0xff, 64 + 256, 64 + 256 + 4096)
    right.resume()
    assert.is(await codeOf(right), 'MALFORMED')
    assert.equal(atRight.numbers, [])
    assert.is(await codeOf(left), 'PEER_GONE')
  }),
)

const tables: [name: string, code: ErrorCode, buffers: Uint8Array[]][] = [
  ['no table', 'MALFORMED', []],
  ['an empty table', 'MALFORMED', [new Uint8Array(64), new Uint8Array(0)]],
  ['a table of three bytes', 'MALFORMED', [new Uint8Array(64), new Uint8Array(3)]],
  ['an index past the end', 'MALFORMED', [new Uint8Array(64), Uint8Array.of(1, 0, 0, 0)]],
  ['an index twice', 'MALFORMED', [new Uint8Array(64), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0)]],
  ['a handle of zeros', 'MALFORMED', [new Uint8Array(64), Uint8Array.of(0, 0, 0, 0)]],
  ['a handle of ten bytes', 'MALFORMED', [new Uint8Array(10), Uint8Array.of(0, 0, 0, 0)]],
]
for (const [name, code, buffers] of tables) {
  mapped(`${name}: ${code}`, () =>
    withPair(async ({ link, right }) => {
      link.write([packNote('handles')])
      link.write([packBytes({ meta: new Uint8Array(8), buffers })])
      assert.is(await codeOf(right), code)
    }),
  )
}

mapped('handles twice before one packet: MALFORMED', () =>
  withPair(async ({ link, right }) => {
    link.write([packNote('handles'), packNote('handles')])
    assert.is(await codeOf(right), 'MALFORMED')
  }),
)

corrupt('handles for who has no memory: MALFORMED', async () => {
  const { own, peer } = await connection()
  const carrier = new StreamCarrier(own)
  carrier.receive(new Inbox())
  peer.on('error', () => {}).write(packNote('handles'))
  assert.is(await codeOf(carrier), 'MALFORMED')
  peer.destroy()
})

corrupt.run()
