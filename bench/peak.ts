// How much memory a process needs to receive one large message: its peak, as the system keeps it, before and after.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peakBytes } from '../spec/peak-bytes.js'
import { connect, serve } from '../src/socket/index.js'

const MESSAGE = 2 ** 30
/** What a process that has received something small needs beside the message is at rest before. */
const REST = 2 ** 20
const limits = { bufferBytes: 2 * MESSAGE, totalBytes: 2 * MESSAGE }

/** Bytes of memory that receiving took at most, beyond what the process has at rest. */
export async function receivingPeak(): Promise<{ peakBytes: number; messageBytes: number }> {
  const path = join(tmpdir(), `outband-peak-${process.pid}`)
  const child = fork(new URL(import.meta.url), [path])
  await once(child, 'message')
  const channel = await connect(path, { limits })
  await channel.send(new Uint8Array(REST))
  const [{ rss }] = (await once(child, 'message')) as [{ rss: number }]
  await channel.send(new Uint8Array(MESSAGE).fill(1))
  const [{ peak }] = (await once(child, 'message')) as [{ peak: number }]
  await channel.close()
  child.disconnect()
  return { peakBytes: peak - rss, messageBytes: MESSAGE }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const server = await serve<Uint8Array>(
    process.argv[2]!,
    channel => {
      channel.on('message', array => {
        if (array.length === REST) return process.send?.({ rss: process.memoryUsage.rss() })
        if (!array.every(byte => byte === 1)) throw new Error('not what was sent')
        return process.send?.({ peak: peakBytes() })
      })
    },
    { limits },
  )
  process.send?.('listening')
  process.once('disconnect', () => {
    server.abort()
    rmSync(process.argv[2]!, { force: true })
  })
}
