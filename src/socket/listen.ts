/**
 * Listening at a path where a process that died may have left its Unix socket. To look, to remove and to listen are three
 * steps, between which others may take theirs: who is late removes the socket of one that listens, and whom nobody reaches
 * from then on. So one at a time has the right to, and what is removed is what was looked at.
 */
import { once } from 'node:events'
import { lstatSync, unlinkSync } from 'node:fs'
import { createConnection, createServer, type ListenOptions, type Server } from 'node:net'
import { setTimeout } from 'node:timers/promises'

/** Who has made a socket listens to it a moment later; on a busy machine, after so long at most. */
const YOUNG_MS = 500

/** Listens; a Unix socket that was left behind by who is gone is taken over. @throws what the system does, or the signal's reason */
export async function listen(server: Server, options: ListenOptions): Promise<void> {
  const { path, signal } = options
  const start = () => {
    signal?.throwIfAborted()
    // Of a server that the signal has closed no event tells.
    return once(server.listen(options), 'listening', { signal })
  }
  try {
    await start()
  } catch (error) {
    if (signal?.aborted === true) {
      // Node listens all the same when it was looking up a host.
      server.once('listening', () => server.close())
      throw signal.reason
    }
    if (path === undefined || !(await takenOver(path, start))) throw error
  }
}

/** Whether a socket was left behind at the path; then it is gone, and `start` done in its place. */
async function takenOver(path: string, start: () => Promise<unknown>): Promise<boolean> {
  const found = socketAt(path)
  const claim = await (found && claimed(found.identity))
  if (found === undefined || claim === undefined) return false
  try {
    if (!(await isLeftBehind(path, found.boundAt))) return false
    // In one turn with what follows: where there are no claims, this must do.
    if (socketAt(path)?.identity !== found.identity) return false
    unlinkSync(path)
    await start()
    return true
  } finally {
    claim.close()
  }
}

/** The identity is of that socket alone, even where the system gives the numbers of files anew. */
function socketAt(path: string): { readonly identity: string; readonly boundAt: number } | undefined {
  try {
    const found = lstatSync(path)
    if (!found.isSocket()) return undefined
    return { identity: `${found.dev} ${found.ino} ${found.ctimeMs}`, boundAt: found.ctimeMs }
  } catch {
    return undefined
  }
}

/**
 * The sole right to take over a socket; nothing, where somebody else has it. It is a name without a file, which ends with
 * its process, however that dies; where the system has no such names (they are Linux's), everybody has the right.
 */
async function claimed(socket: string): Promise<Server | undefined> {
  const claim = createServer()
  try {
    await once(claim.listen({ path: `\0outband ${socket}`, exclusive: true }), 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
  }
  return claim
}

/** Whether nobody listens to the socket that is there since `boundAt`, nor is about to. */
async function isLeftBehind(path: string, boundAt: number): Promise<boolean> {
  if (!(await isRefused(path))) return false
  if (Date.now() - boundAt > YOUNG_MS) return true
  await setTimeout(YOUNG_MS)
  return isRefused(path)
}

async function isRefused(path: string): Promise<boolean> {
  const socket = createConnection(path)
  try {
    await once(socket, 'connect')
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}
