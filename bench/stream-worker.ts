// The far side of streams.ts, a process of its own: takes in what comes by its way, counts it, and tells when it has
// as much as was announced; or sends it back.

import { rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { Packr } from 'msgpackr'
import type { Channel } from '../src/channel.js'
import { connectParent } from '../src/process/index.js'
import { release } from '../src/shm/index.js'
import { serve } from '../src/socket/index.js'
import { framesOf } from './length-prefix.js'

/** How a process takes in what comes. */
export type Home = 'channel' | 'process' | 'memory' | 'raw' | 'msgpackr' | 'ipc'

/** Told by IPC, which all have beside their way: arrivals to wait for, all counted, or that the next one is sent back. */
export type Order = { readonly until: number } | 'echo'

const [home, path] = process.argv.slice(2) as [Home, string]
const control = (word: 'ready' | 'done' | 'echoing') => process.send?.({ word })

let arrived = 0
let until = Number.POSITIVE_INFINITY
let isEchoing = false

/** Counts; true when it is to be sent back. */
function take(count = 1): boolean {
  if (isEchoing) {
    isEchoing = false
    return true
  }
  arrived += count
  tell()
  return false
}

function tell(): void {
  if (arrived < until) return
  until = Number.POSITIVE_INFINITY
  control('done')
}

// Whoever measures may have gone, and a path stays in its folder when nobody closes what listens there.
process.once('disconnect', () => {
  rmSync(path, { force: true })
  process.exit()
})
process.on('message', (message: { order: Order } | { value: unknown }) => {
  if ('value' in message) {
    if (take()) process.send?.({ value: message.value })
  } else if (message.order === 'echo') {
    isEchoing = true
    control('echoing')
  } else {
    until = message.order.until
    tell()
  }
})

if (home === 'ipc') control('ready')
else if (home === 'process') {
  echo(connectParent())
  control('ready')
} else if (home === 'memory') {
  echo(connectParent(), letGo)
  control('ready')
} else if (home === 'channel') {
  await serve(path, channel => echo(channel), { limits: 'trusted' })
  control('ready')
} else createServer(home === 'raw' ? takeBytes : takeMsgpack).listen(path, () => control('ready'))

function echo(channel: Channel, done: (value: unknown) => void = () => {}): void {
  channel.on('message', value => {
    if (take()) void channel.send(value)
    else done(value)
  })
}

/** Memory of the other side's is given back as soon as it was looked at. */
function letGo(value: unknown): void {
  const isLent = Object.values(value as object).some(item => ArrayBuffer.isView(item))
  if (isLent) release(value)
}

/** Bytes are counted, and thrown away. */
function takeBytes(socket: Socket): void {
  socket.on('error', () => {})
  socket.on('data', bytes => {
    if (isEchoing) socket.write(bytes)
    else take(bytes.length)
  })
}

function takeMsgpack(socket: Socket): void {
  socket.on('error', () => {})
  const packr = new Packr({ structuredClone: true, moreTypes: true })
  framesOf(socket, bytes => {
    const value = packr.unpack(bytes)
    if (!take()) return
    const answer = packr.pack(value)
    const head = Buffer.alloc(4)
    head.writeUInt32LE(answer.length)
    socket.write(head)
    socket.write(answer)
  })
}
