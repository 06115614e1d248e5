/** The child's side: the channel to the process that started this one. */
import { childEnd, type Over, VARIABLE } from '../carriers/process/ends.js'
import { ownPeer } from '../carriers/process/process.js'
import { type MemoryOption, sharingOf } from '../carriers/shm/sharing.js'
import { keepAnnex, sharedWay } from '../carriers/shm/way.js'
import { StreamCarrier, type StreamOptions } from '../carriers/stream/stream.js'
import { Channel, type ChannelOptions } from '../channel.js'
import { expectStreamOptions } from '../connection/channel.js'
import { expectArgument, expectOptions, OutbandError } from '../errors.js'

/** Options of `connectParent`. `limits` default to `'trusted'`, and no time is limited. */
export type ParentOptions = ChannelOptions &
  StreamOptions & {
    /**
     * `'stdio'`: frames come by standard input and go by standard output, whatever the environment says. For a child that
     * was not started by `spawnChannel`, but through `ssh` or by a program in another language, say.
     */
    readonly over?: Over | undefined
    /**
     * Whether memory is shared with a parent that asks for it. Default `'shared'`; `'private'`: all goes by the pipe. Or
     * options of what this side sends: see `outband/shm`.
     */
    readonly memory?: MemoryOption | undefined
  }

/**
 * The channel to the parent, which can be opened once per process: the variable `OUTBAND_FD`, which names its descriptor, is
 * removed from the environment, so that this process's own children do not take it for theirs.
 *
 * It keeps this process alive, unless `unref` says otherwise, until either side has closed, or the parent is gone: PEER_GONE.
 * Over standard output, nothing else may be printed there.
 *
 * @throws PEER_GONE when there is no parent: the variable is not set, or names no pipe or socket
 * @throws TypeError for an option of the wrong type
 */
export function connectParent<In = unknown, Out = In>(options: ParentOptions = {}): Channel<In, Out> {
  expectOptions(options)
  const { over } = options
  expectArgument(over === undefined || over === 'pipe' || over === 'stdio', 'over', "'pipe' or 'stdio'")
  const sharing = sharingOf(options.memory ?? 'shared')
  expectStreamOptions(options)
  const place = over === 'stdio' ? over : process.env[VARIABLE]
  delete process.env[VARIABLE]
  if (place === undefined) {
    throw new OutbandError(
      'PEER_GONE',
      `connectParent: no parent: ${VARIABLE} is not set, or its channel was taken before`,
    )
  }
  const end = endAt(place)
  const way = sharing && sharedWay(end, 'waits', sharing)
  const carrier = new StreamCarrier(way?.link ?? end, ownPeer(options), undefined, way?.annex)
  return keepAnnex(new Channel<In, Out>(carrier, options), way?.annex)
}

function endAt(place: string) {
  try {
    return childEnd(place)
  } catch (cause) {
    const what = `${VARIABLE} is ${place}: ${(cause as Error).message}`
    throw new OutbandError('PEER_GONE', `connectParent: no parent: ${what}`, { cause })
  }
}
