/** The carriers that run the contract, each as a pair. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { loopback } from '../../src/carriers/loopback.js'
import { PortCarrier } from '../../src/carriers/port/port.js'
import { Child } from '../../src/carriers/process/child.js'
import { parentEnd } from '../../src/carriers/process/ends.js'
import { ProcessLink } from '../../src/carriers/process/link.js'
import { ProcessCarrier } from '../../src/carriers/process/process.js'
import { createRing } from '../../src/carriers/ring/end.js'
import { RingCarrier } from '../../src/carriers/ring/ring.js'
import { sharingOf } from '../../src/carriers/shm/sharing.js'
import { sharedWay } from '../../src/carriers/shm/way.js'
import { SocketLink } from '../../src/carriers/socket/link.js'
import { SocketCarrier } from '../../src/carriers/socket/socket.js'
import { StreamCarrier } from '../../src/carriers/stream/stream.js'
import { WebSocketLink } from '../../src/carriers/websocket/link.js'
import type { WebSocketLike } from '../../src/carriers/websocket/shape.js'
import { WebSocketCarrier } from '../../src/carriers/websocket/websocket.js'
import { SharedArena } from '../../src/memory/arena/arena.js'
import type { Make, PairOptions } from '../contract.js'
import { StandardSocket } from '../websocket/standard.js'
import { farChild, farWorker } from './far.js'
import { somePath } from './path.js'

export const loopbackPair: Make = options => {
  const [left, right] = loopback(options)
  return {
    left,
    right,
    kill: () => right.abort(),
    dispose: () => {
      left.abort()
      right.abort()
    },
  }
}

/** Both ports in one thread. */
export const portPair: Make = options => {
  const { port1, port2 } = new MessageChannel()
  const [left, right] = [new PortCarrier(port1, options), new PortCarrier(port2, options)]
  return {
    left,
    right,
    kill: () => port2.close(),
    dispose: () => {
      port1.close()
      port2.close()
    },
  }
}

/** A Worker here, and there its parentPort. */
export const workerPair: Make = options => {
  const { worker, far, dispose } = farWorker(options)
  const left = new PortCarrier(worker, options)
  const kill = async () => {
    await worker.terminate()
  }
  return { left, right: far, kill, dispose }
}

/** One end of a ring here, the other in a Worker; a short ring, so that it is often full. */
export const ringPair: Make = options => {
  const [here, there] = createRing({ capacity: 4096 })
  const { worker, far, dispose } = farWorker(options, there)
  const left = new RingCarrier(here, options)
  const kill = async () => {
    await worker.terminate()
  }
  return { left, right: far, kill, dispose }
}

const streamOptions = (options: PairOptions) => ({ limits: 'trusted', ...options }) as const

/** Both ends of a connection, the left one read straight to where the bytes stay or not. */
async function connection(isDirect: boolean): Promise<{ left: SocketLink; right: Socket }> {
  const path = somePath()
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(path)
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const left = SocketLink.to({ path })
  const [right] = await accepted
  server.close()
  return { left: isDirect ? left : SocketLink.over(left.socket), right }
}

/** Both ends in one thread, each read straight to where the bytes stay. */
export const socketPair: Make = async options => {
  const { left, right } = await connection(true)
  const link = SocketLink.adopting(right)
  const carriers = [left, link].map(end => new SocketCarrier(end, streamOptions(options)))
  return {
    left: carriers[0]!,
    right: carriers[1]!,
    kill: () => link.destroy(),
    dispose: () => {
      for (const carrier of carriers) carrier.abort()
    },
  }
}

/** Streams of JavaScript, read by their events. */
export const streamPair: Make = options => {
  const [first, second] = duplexes()
  const [left, right] = [first, second].map(end => new SocketCarrier(end, streamOptions(options)))
  return {
    left: left!,
    right: right!,
    kill: () => {
      second.destroy()
    },
    dispose: () => {
      left!.abort()
      right!.abort()
    },
  }
}

/** Two streams, of which each reads what the other is written; one that is destroyed takes the other along. */
function duplexes(): [Duplex, Duplex] {
  const ends = duplexPair()
  for (const [end, other] of [ends, [...ends].reverse()] as [Duplex, Duplex][]) {
    end.once('close', () => {
      if (!end.writableFinished) other.destroy()
    })
  }
  return ends
}

/** A client of `ws` and what its server accepted, either as it is or behind the face of a browser's. */
function webSocketPair(face: (socket: WebSocket) => WebSocketLike): Make {
  return async options => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 0 })
    await once(server, 'listening')
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      maxPayload: 0,
    })
    const left = new WebSocketCarrier(face(client), streamOptions(options))
    // In the tick in which it is accepted: it is heard from then on.
    const { right, socket } = await new Promise<{ right: WebSocketCarrier; socket: WebSocket }>(resolve => {
      server.once('connection', (socket, request) => {
        const shown = face(socket)
        const link = shown === socket ? new WebSocketLink(shown, request.socket) : shown
        resolve({ right: new WebSocketCarrier(link, streamOptions(options)), socket })
      })
    })
    server.close()
    return {
      left,
      right,
      kill: () => socket.terminate(),
      dispose: () => {
        for (const carrier of [left, right]) carrier.abort()
        for (const end of [client, socket]) end.terminate()
      },
    }
  }
}

/** Sockets of `ws` on both sides. */
export const wsPair: Make = webSocketPair(socket => socket)
/** Both sides as in a browser. */
export const standardPair: Make = webSocketPair(socket => new StandardSocket(socket))

/** Two connections, one for each direction, as standard input and output are. */
export const halvesPair: Make = async options => {
  const [there, back] = [await connection(true), await connection(true)]
  const adopted = SocketLink.adopting(there.right)
  const links = [
    new ProcessLink(back.left, there.left),
    new ProcessLink(adopted, SocketLink.adopting(back.right)),
  ]
  const [left, right] = links.map(link => new StreamCarrier(link, streamOptions(options)))
  return {
    left: left!,
    right: right!,
    kill: () => links[1]!.destroy(),
    dispose: () => {
      left!.abort()
      right!.abort()
    },
  }
}

/** A child process, led through Node's own channel to it. */
export const processPair: Make = options => {
  const { child, place, far, kill } = farChild(streamOptions(options))
  const left = new ProcessCarrier(new Child(child), parentEnd(child, place)!, options)
  return { left, right: far, kill, dispose: kill }
}

/** What memory is shared in: little, so that all of it is come to. */
const shared = (arena: SharedArena) => sharingOf({ arena, threshold: 4096, pipeBytes: 2 ** 16 })!

/** Both ends of a connection in one process, which share memory as two processes do; `isSettled`: from the first packet on. */
function memoryPair(isSettled: boolean): Make {
  return async options => {
    const { left, right } = await connection(true)
    const arena = SharedArena.create({ byteLength: 2 ** 24 })
    const other = SharedArena.create({ byteLength: 2 ** 20 })
    const ends = [
      sharedWay(left, 'asks', shared(arena)),
      sharedWay(SocketLink.adopting(right), 'waits', shared(other)),
    ]
    const carriers = ends.map(
      ({ link, annex }) => new StreamCarrier(link, streamOptions(options), undefined, annex),
    )
    return {
      left: carriers[0]!,
      right: carriers[1]!,
      settled: async () => isSettled && (await Promise.all(ends.map(({ annex }) => annex.joined))),
      kill: () => ends[1]!.link.destroy(),
      dispose: () => {
        for (const carrier of carriers) carrier.abort()
        arena.close()
        other.close()
      },
    }
  }
}

export const joinedPair = memoryPair(true)
export const joiningPair = memoryPair(false)

/** A child process that shares memory. */
export const sharedProcessPair: Make = options => {
  const { child, place, far, kill } = farChild({ ...streamOptions(options), isSharing: true })
  const arena = SharedArena.create({ byteLength: 2 ** 24 })
  const link = parentEnd(child, place)!
  const way = sharedWay(link, 'asks', shared(arena))
  const left = new ProcessCarrier(new Child(child), link, options, way)
  const dispose = async () => {
    await kill()
    arena.close()
  }
  return { left, right: far, settled: () => way.annex.joined, kill, dispose }
}

/** By the names that `unattended.ts` is started with. */
export const pairs: Readonly<Record<string, Make>> = {
  loopback: loopbackPair,
  port: portPair,
  worker: workerPair,
  ring: ringPair,
  socket: socketPair,
  duplex: streamPair,
  ws: wsPair,
  websocket: standardPair,
  halves: halvesPair,
  process: processPair,
  joined: joinedPair,
  joining: joiningPair,
  sharedProcess: sharedProcessPair,
}
