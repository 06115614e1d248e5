/**
 * One writer to a file. On Linux it holds a name in the kernel (an abstract socket, nobody ever connects): the name is
 * gone with its process, however that ends, so that there is no stale lock as files leave them. Other threads and
 * processes see it within one network namespace, which containers that share a volume may not have; elsewhere only
 * the writers of one thread see each other. Whoever guesses the name can take it, which locks out and harms no more.
 */
import type { FileHandle } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { OutbandError } from '../errors.js'

/** Files that this thread writes. They are kept open with their locks, for the number of a closed one is used again. */
const held = new Map<string, FileHandle>()

/** Takes the file; returns how it is given back, once it is closed. @throws LOCKED when there is a writer. */
export async function lockFile(path: string, file: FileHandle): Promise<() => Promise<void>> {
  const { dev, ino } = await file.stat({ bigint: true })
  const name = `${dev}:${ino}`
  if (held.has(name)) throw locked(path)
  held.set(name, file)
  try {
    const server = process.platform === 'linux' ? await hold(path, `\0outband-log:${name}`) : undefined
    return async () => {
      await new Promise<void>(resolve => (server === undefined ? resolve() : server.close(() => resolve())))
      held.delete(name)
    }
  } catch (error) {
    held.delete(name)
    throw error
  }
}

/** Nothing where a sandbox has no sockets. @throws LOCKED */
function hold(path: string, name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy())
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(locked(path))
      else resolve(undefined)
    })
    // Not the one server that the processes of a cluster share.
    server.listen({ path: name, exclusive: true }, () => resolve(server))
    server.unref()
  })
}

function locked(path: string): OutbandError {
  return new OutbandError('LOCKED', `file: ${path} is written by another log`)
}
