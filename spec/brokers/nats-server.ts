/** A NATS server of our own, at a port that is free (Debian: `apt-get install nats-server`). */
import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { within } from '../carriers/inbox.js'

// Debian has it where only root's PATH leads.
const command = ['nats-server', '/usr/sbin/nats-server'].find(
  name => spawnSync(name, ['--version']).status === 0,
)

/** Whether there is one, or must be one: then what needs it fails. */
export const hasNats = command !== undefined || process.env.CI === 'true'
if (!hasNats)
  console.log('SKIP: no NATS server (Debian: apt-get install --no-install-recommends nats-server)')

export interface NatsServer {
  readonly url: string
  stop(): void
}

/** @throws Error when there is none */
export async function startNats(): Promise<NatsServer> {
  if (command === undefined) throw new Error('no nats-server is installed')
  const child = spawn(command, ['--addr', '127.0.0.1', '--port', '-1'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const listening = async (): Promise<string> => {
    let log = ''
    for await (const line of createInterface(child.stderr)) {
      const [, address] = /Listening for client connections on (\S+)/.exec(line) ?? []
      if (address !== undefined) return `nats://${address}`
      log += `${line}\n`
    }
    throw new Error(`nats-server ended: ${log}`)
  }
  const url = await within(listening(), 'nats-server')
  child.stderr.resume()
  return { url, stop: () => void child.kill() }
}
