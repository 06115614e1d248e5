/** What the specs of sockets share: a served place, and a peer that is only a socket. */
import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import type { Channel } from '../../src/channel.js'
import type { OutbandError } from '../../src/errors.js'
import { Deframer, packBytes } from '../../src/frame/index.js'
import { encode } from '../../src/index.js'
import { type ChannelServer, type ServeOptions, serve } from '../../src/socket/index.js'
import { somePath } from '../carriers/path.js'

/** How a channel ended: `closed`, or the error. */
export type Outcome = 'closed' | OutbandError

export interface Served {
  readonly path: string
  readonly server: ChannelServer
  /** The channels, in the order of their coming. */
  readonly channels: Channel[]
  /** What each read until it ended, and how that was. */
  readonly values: unknown[][]
  readonly outcomes: Promise<Outcome>[]
  dispose(): Promise<void>
}

export const outcomeOf = (channel: { readonly closed: Promise<void> }): Promise<Outcome> =>
  channel.closed.then(
    () => 'closed' as const,
    (error: OutbandError) => error,
  )

/** A server at a path, that keeps what it reads; `take` sees each channel as well. */
export async function served(
  options: ServeOptions = {},
  take: (channel: Channel) => unknown = () => {},
): Promise<Served> {
  const path = somePath()
  const channels: Channel[] = []
  const values: unknown[][] = []
  const outcomes: Promise<Outcome>[] = []
  const server = await serve(
    path,
    async channel => {
      const read: unknown[] = []
      channels.push(channel)
      values.push(read)
      outcomes.push(outcomeOf(channel))
      take(channel)
      for await (const value of channel) read.push(value)
    },
    options,
  )
  return {
    path,
    server,
    channels,
    values,
    outcomes,
    dispose: async () => {
      server.abort()
      await Promise.all(outcomes)
    },
  }
}

/** A peer that is only a socket. */
export async function rawPeer(path: string): Promise<Socket> {
  const socket = connectSocket({ path, allowHalfOpen: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** The frame of a value. */
export const frameOf = (value: unknown): Uint8Array => packBytes(encode(value))

/** Packets that come, without the notes, until the end. */
export async function packetsOf(socket: Socket): Promise<number> {
  const deframer = new Deframer()
  let count = 0
  for await (const chunk of socket) count += [...deframer.push(chunk)].length
  return count
}
