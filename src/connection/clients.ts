/** The channels of a server: one for each connection, none of which is any other's concern. */
import { type Carrier, throwApart } from '../carriers/carrier.js'
import { Quota } from '../carriers/stream/quota.js'
import type { Channel } from '../channel.js'
import { expectArgument, expectOptions, isOutbandError } from '../errors.js'
import { channelOver, expectStreamOptions, type StreamChannelOptions } from './channel.js'

/** What all connections of a server may take together. */
export interface ClientsOptions {
  /** Connections at a time; more are refused. Default 1024, or what a server of `net` or `tls` that is given has. */
  readonly maxConnections?: number | undefined
  /**
   * Bytes of incoming frames, all connections together, of which 64 KiB each are not counted. From half of it on frames
   * that are larger are read in the order of their coming, as many at a time as there is room for, and at least one; who
   * is then too slow, while others wait, loses its channel (TIMEOUT). Default 1 GiB.
   */
  readonly maxBytes?: number | undefined
}

export class Clients<In, Out, Source extends unknown[]> {
  readonly maxConnections: number
  readonly quota: Quota
  /** The channels that have not ended. */
  readonly channels = new Set<Channel<In, Out>>()
  readonly #options: StreamChannelOptions
  readonly #handler: (channel: Channel<In, Out>, ...source: Source) => unknown

  /** @throws TypeError for what is no handler, or an option of the wrong type */
  constructor(
    handler: (channel: Channel<In, Out>, ...source: Source) => unknown,
    options: StreamChannelOptions & ClientsOptions,
  ) {
    expectOptions(options)
    const { maxConnections = 1024, maxBytes = 2 ** 30, ...rest } = options
    expectArgument(Number.isInteger(maxConnections) && maxConnections > 0, 'maxConnections', 'a number > 0')
    expectArgument(typeof handler === 'function', 'handler', 'a function')
    expectStreamOptions(rest)
    this.maxConnections = maxConnections
    this.quota = new Quota(maxBytes)
    this.#options = rest
    this.#handler = handler
  }

  /** Gives the handler a channel over the carrier, and where it comes from. */
  add(carrier: Carrier, ...source: Source): void {
    const channel = channelOver<In, Out>(carrier, this.#options)
    this.channels.add(channel)
    channel.on('close', () => this.channels.delete(channel))
    void this.#run(channel, source)
  }

  /** Closes every channel, and resolves when all have ended, in whatever way. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.channels].map(channel => channel.close()))
  }

  abort(): void {
    for (const channel of [...this.channels]) channel.abort()
  }

  async #run(channel: Channel<In, Out>, source: Source): Promise<void> {
    try {
      await this.#handler(channel, ...source)
    } catch (error) {
      // What ended the channel, and so the handler's loop, is told by the channel. Anything else is the handler's own.
      if (isOutbandError(error)) return channel.abort(error)
      channel.abort()
      throwApart(error)
    }
  }
}
