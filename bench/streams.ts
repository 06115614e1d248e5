// Whoever moves values to another process by a Unix socket or by Node's own channel: ourselves, rivals, and the limit,
// which is the bytes of an array as they are. One way is timed from the first message to the word that all have
// arrived, so both sides' work is in it.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Packr } from 'msgpackr'
import type { Channel } from '../src/channel.js'
import { footprint } from '../src/cli/memory.js'
import { decode, encode } from '../src/index.js'
import { forkChannel } from '../src/process/index.js'
import { memoryOf, SharedArena } from '../src/shm/index.js'
import { connect } from '../src/socket/index.js'
import { burstOf } from './burst.js'
import type { Contestant, Session, Traits } from './contestant.js'
import { framesOf } from './length-prefix.js'
import type { Home, Order } from './stream-worker.js'

const HOME = new URL('./stream-worker.js', import.meta.url)

/** One end of a way to a process. */
interface Way {
  /** Sends a value; a promise when it is wise to wait. */
  send(value: unknown): unknown
  /** What one value counts for on the other side: 1, or its bytes. */
  readonly countOf?: (value: unknown) => number
  /** What comes back. */
  hear(take: (value: unknown) => void): void
  /** The value as who means to send it this way has it from the start. */
  readonly place?: (value: unknown) => unknown
}

interface Peer {
  readonly way: Way
  readonly child: ChildProcess
  /** All that was announced so far. */
  sent: number
}

interface Launched {
  readonly way: Way
  readonly child: ChildProcess
}

/** Starts the other side, and gives the way to it. */
type Launch = (home: Home, path: string) => Promise<Launched>

let paths = 0

function stream(
  name: string,
  about: string,
  on: 'socket' | 'process',
  home: Home,
  launch: Launch,
  traits?: Traits & Pick<Contestant, 'refuses'>,
): Contestant {
  let peer: Promise<Peer> | undefined
  const open = async (value: unknown): Promise<Session> => {
    peer ??= start(home, launch)
    return session(await peer, value)
  }
  return { name, about, family: name, on, ...traits, open }
}

async function start(home: Home, launch: Launch): Promise<Peer> {
  const path = join(tmpdir(), `outband-bench-${process.pid}-${paths++}`)
  return { ...(await launch(home, path)), sent: 0 }
}

/** A child of `fork`, and a way to it that is made when it listens. */
function forked(make: (path: string, child: ChildProcess) => Way | Promise<Way>): Launch {
  return async (home, path) => {
    const child = fork(HOME, [home, path], { serialization: 'advanced' })
    await word(child, 'ready')
    return { way: await make(path, child), child }
  }
}

/** A child with a channel; the orders go by Node's own, as with the others. */
async function ownChild(home: Home, path: string): Promise<Launched> {
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'] as const
  const channel = forkChannel(HOME, [home, path], { stdio: [...stdio], serialization: 'advanced' })
  await word(channel.child, 'ready')
  return { way: wayOf(channel), child: channel.child }
}

/** The same with memory that both see; `isPlaced`: arrays are written there in the first place. */
function sharingChild(isPlaced: boolean): Launch {
  return async (home, path) => {
    const arena = SharedArena.create({ byteLength: 2 ** 28 })
    const channel = forkChannel(HOME, [home, path], {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
      memory: { arena },
    })
    await word(channel.child, 'ready')
    const isJoined = await memoryOf(channel)!.joined
    if (!isJoined) throw new Error('memory is not shared here')
    const way = wayOf(channel)
    return { way: isPlaced ? { ...way, place: value => placed(value, arena) } : way, child: channel.child }
  }
}

/** The value, its arrays in the arena. */
function placed(value: unknown, arena: SharedArena): unknown {
  const { meta, buffers } = encode(value)
  return decode({ meta, buffers: buffers.map(buffer => arena.copy(buffer)) })
}

/** Resolves when the other side says so. */
function word(child: ChildProcess, wanted: string): Promise<void> {
  return new Promise(resolve => {
    const listen = (message: { word?: string }) => {
      if (message.word !== wanted) return
      child.off('message', listen)
      resolve()
    }
    child.on('message', listen)
  })
}

function session(peer: Peer, original: unknown): Session {
  const { way, child } = peer
  const value = way.place?.(original) ?? original
  const per = burstOf(value)
  const count = way.countOf?.(value) ?? 1
  const tell = (order: Order) => child.send({ order })
  const oneWay = async (times: number) => {
    peer.sent += times * per * count
    const arrived = word(child, 'done')
    tell({ until: peer.sent })
    for (let i = 0; i < times * per; i++) {
      const room = way.send(value)
      if (room !== undefined) await room
    }
    await arrived
  }
  const result = async () => {
    // The order goes another way than the value.
    const ready = word(child, 'echoing')
    tell('echo')
    await ready
    return new Promise(resolve => {
      way.hear(resolve)
      way.send(value)
    })
  }
  return { ops: { 'one way': oneWay }, per, there: { pid: child.pid! }, result }
}

/** Writes, and waits when the system has enough. */
const write = (socket: Socket, bytes: Uint8Array): unknown =>
  socket.write(bytes) ? undefined : once(socket, 'drain')

async function channel(path: string): Promise<Way> {
  return wayOf(await connect(path, { limits: 'trusted' }))
}

function wayOf(channel: Channel): Way {
  let listener = (_: unknown) => {}
  channel.on('message', value => listener(value))
  return {
    send: value => channel.send(value),
    hear: take => {
      listener = take
    },
  }
}

async function socketTo(path: string): Promise<Socket> {
  const socket = connectSocket(path)
  await once(socket, 'connect')
  return socket
}

const bytesOf = (value: unknown): Uint8Array => {
  const [view] = footprint(value).views
  return new Uint8Array(view!.buffer, view!.byteOffset, view!.byteLength)
}

async function raw(path: string): Promise<Way> {
  const socket = await socketTo(path)
  return {
    send: value => write(socket, bytesOf(value)),
    countOf: value => bytesOf(value).length,
    hear: take => {
      socket.once('data', take)
    },
  }
}

async function msgpackr(path: string): Promise<Way> {
  const socket = await socketTo(path)
  const packr = new Packr({ structuredClone: true, moreTypes: true })
  const head = () => Buffer.alloc(4)
  let listener = (_: unknown) => {}
  framesOf(socket, bytes => listener(packr.unpack(bytes)))
  return {
    send: value => {
      // Its results lie in memory that it uses again; one of its own is what an asynchronous write needs.
      const message = Buffer.from(packr.pack(value))
      const length = head()
      length.writeUInt32LE(message.length)
      socket.write(length)
      return write(socket, message)
    },
    hear: take => {
      listener = take
    },
  }
}

function ipc(_: string, child: ChildProcess): Way {
  let listener = (_: unknown) => {}
  child.on('message', (message: { value?: unknown }) => {
    if ('value' in message) listener(message.value)
  })
  return {
    // Node keeps what the system does not take, and says so.
    send: value => new Promise(resolve => child.send({ value }, resolve)),
    hear: take => {
      listener = take
    },
  }
}

const wantsArrays = (value: unknown): string | undefined =>
  footprint(value).views.length > 0 ? undefined : 'has no array to write in place'

const refusesObjects = (value: unknown): string | undefined =>
  footprint(value).views.length === 1 ? undefined : 'takes the bytes of one array alone'

export const streams: readonly Contestant[] = [
  stream('outband socket', 'connect(path).send(value), Unix socket', 'socket', 'channel', forked(channel), {
    ours: true,
  }),
  stream(
    'raw socket',
    'socket.write(bytes of the array), read as data events and thrown away',
    'socket',
    'raw',
    forked(raw),
    { limit: true, refuses: refusesObjects },
  ),
  stream(
    'msgpackr socket',
    'packr.pack behind its length, Unix socket',
    'socket',
    'msgpackr',
    forked(msgpackr),
  ),
  stream('raw bytes', 'the bytes of the array by a Unix socket, thrown away', 'process', 'raw', forked(raw), {
    limit: true,
    refuses: refusesObjects,
  }),
  stream('outband process', 'forkChannel(module).send(value)', 'process', 'process', ownChild, {
    ours: true,
  }),
  stream(
    'outband memory',
    "forkChannel(module, { memory: 'shared' }).send(value), arrays copied in",
    'process',
    'memory',
    sharingChild(false),
    { ours: true },
  ),
  stream(
    'outband in place',
    'the same, arrays of the arena: written in place',
    'process',
    'memory',
    sharingChild(true),
    { ours: true, refuses: wantsArrays },
  ),
  stream(
    'fork advanced',
    "fork(…, { serialization: 'advanced' }).send(value)",
    'process',
    'ipc',
    forked(ipc),
  ),
]
