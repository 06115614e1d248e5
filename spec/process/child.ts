// A child process of the specs: what it does is its first argument.

import { spawn, spawnSync } from 'node:child_process'
import { closeSync, writeSync } from 'node:fs'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { packBytes } from '../../src/frame/index.js'
import { packNote } from '../../src/frame/note.js'
import { encode, isOutbandError } from '../../src/index.js'
import { connectParent, forkChannel } from '../../src/process/index.js'

/** Runs until somebody ends it. */
const forever = () => setInterval(() => {}, 1000)
const fd = Number(process.env.OUTBAND_FD)
/** More values than a channel keeps for who takes none. */
const MANY = 5000

const roles: Readonly<Record<string, (first: string, second?: string) => unknown>> = {
  async echo() {
    const channel = connectParent()
    for await (const value of channel) await channel.send(value)
  },
  /** Says at the end what has come, most of it before it listened. */
  async tally(ms) {
    await sleep(Number(ms))
    const channel = connectParent<{ i: number }, number[]>({ allowHalfOpen: true })
    const numbers: number[] = []
    for await (const { i } of channel) numbers.push(i)
    await channel.send(numbers)
    await channel.close()
  },
  /** Sends values back that came before it listened. */
  async late(ms) {
    await sleep(Number(ms))
    return roles.echo!('')
  },
  /** Has something to do when the channel has ended. */
  async tidies() {
    for await (const _ of connectParent());
    await sleep(100)
  },
  /** Is told of wrong options, and goes on with right ones. */
  async mistaken() {
    const wrong = [{ memory: 'none' }, { maxWaiting: -1 }, { limits: 'none' }, { strict: 1 }]
    for (const options of wrong) {
      try {
        connectParent(options as never)
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
      }
    }
    return roles.echo!('')
  },
  /** Says goodbye by itself. */
  async bye(exitCode) {
    await connectParent().close()
    process.exit(Number(exitCode))
  },
  /** Says goodbye by a note, and nothing else: a program that is no channel. */
  note(exitCode) {
    writeSync(fd, packNote('bye'))
    process.exit(Number(exitCode))
  },
  exit: exitCode => process.exit(Number(exitCode)),
  /** Says hello before it exits. */
  async leave(exitCode) {
    const channel = connectParent()
    await channel.send('hello')
    setTimeout(() => process.exit(Number(exitCode)), 20)
  },
  throw() {
    connectParent()
    throw new Error('from the child')
  },
  signal: signal => process.kill(process.pid, signal),
  stay: forever,
  /** Takes SIGTERM for nothing. */
  stubborn() {
    const channel = connectParent()
    process.on('SIGTERM', () => {})
    void channel.send('ready')
    forever()
  },
  /** Takes so long to load; ends with the number of values that came. */
  async loading(ms) {
    await new Promise(resolve => setTimeout(resolve, Number(ms)))
    const channel = connectParent()
    void channel.send('ready')
    let count = 0
    for await (const _ of channel) count++
    process.exitCode = count
  },
  /** Has something else to do than the channel. */
  busy() {
    connectParent()
    forever()
  },
  /** What it sees of its surroundings, and what a child of its own does. */
  family() {
    const look = 'process.stdout.write(String(process.env.OUTBAND_FD))'
    return surroundings(() => spawnSync(process.execPath, ['-e', look], { encoding: 'utf8' }).stdout)
  },
  /** The same without a child of its own. */
  surroundings: () => surroundings(() => undefined),
  /** Sends so many arrays, of so many bytes, and is gone when the system has them. */
  async vanish(count, length = '140000') {
    const channel = connectParent()
    for (let i = 0; i < Number(count); i++) {
      await channel.send({ i, bytes: new Uint8Array(Number(length)).fill(i) })
    }
    process.kill(process.pid, 'SIGKILL')
  },
  /** Sends without end, and takes what comes. */
  async flood() {
    const channel = connectParent()
    channel.on('message', () => {})
    for (let i = 0; ; i++) {
      await channel.send({ i, bytes: new Uint8Array(i % 4 === 0 ? 60_000 : 10).fill(i) })
      if (i % 10 === 9) await sleep(0)
    }
  },
  /** Reads nothing for so long, not even what the system has. */
  async numb(ms) {
    const channel = connectParent()
    await channel.send('ready')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms))
    for await (const value of channel) await channel.send(value)
  },
  /** Its event loop hangs with the first value. */
  hangs() {
    const channel = connectParent()
    channel.on('message', () => {
      for (;;);
    })
    void channel.send('ready')
  },
  /** Holds back for so long, and says at the end what has come. */
  async slow(ms) {
    const channel = connectParent<{ i: number }, unknown>({ maxWaiting: 1, allowHalfOpen: true })
    await channel.send('ready')
    await sleep(Number(ms))
    const numbers: number[] = []
    for await (const { i } of channel) numbers.push(i)
    await channel.send(numbers)
    await channel.close()
  },
  /** Takes nothing, and waits for the end alone, which is no reason for an event loop to go on. */
  async holding() {
    const channel = connectParent()
    await channel.closed.catch(() => {})
  },
  /** A parent of such a child: sends it more than it keeps, says its number, and is killed. */
  async leaving() {
    const channel = forkChannel(fileURLToPath(import.meta.url), ['holding'])
    for (let i = 0; i < MANY; i++) void channel.send(i).catch(() => {})
    await sleep(500)
    await connectParent().send(channel.child.pid)
    await sleep(100)
    process.kill(process.pid, 'SIGKILL')
  },
  /** Aborts, and lives on. */
  part() {
    connectParent().abort()
    forever()
  },
  /** Closes its end without a word, and lives on. */
  shut() {
    closeSync(fd)
    forever()
  },
  garbage() {
    writeSync(fd, 'Segmentation fault (core dumped)')
    forever()
  },
  /** A packet, and what is none, at once. */
  spoilt() {
    writeSync(
      fd,
      Buffer.concat([packBytes(encode('a value')), Buffer.from('Segmentation fault (core dumped)')]),
    )
    forever()
  },
  /** A packet, and half of another. */
  half(exitCode) {
    const frame = packBytes(encode({ i: 0, bytes: new Uint8Array(5000) }))
    writeSync(fd, frame)
    writeSync(fd, frame, 0, frame.length >> 1)
    process.exit(Number(exitCode))
  },
  /** Starts a process that has the same pipe, and is gone. */
  heir() {
    const code = 'setTimeout(() => {}, 20_000)'
    const stdio = ['ignore', 'ignore', 'ignore', fd] as const
    const { pid } = spawn(process.execPath, ['-e', code], { stdio: [...stdio], detached: true })
    writeSync(fd, packBytes(encode(pid)))
    process.kill(process.pid, 'SIGKILL')
  },
  /** Packets without notes, and its end: a program that is no channel. */
  plain(exitCode) {
    for (const i of [0, 1, 2]) writeSync(fd, packBytes(encode({ i })))
    process.exit(Number(exitCode))
  },
  /** A packet and its end, and lives on. */
  parting() {
    writeSync(fd, packBytes(encode('a value')))
    closeSync(fd)
    forever()
  },
}

function surroundings(look: () => string | undefined): void {
  const before = process.env.OUTBAND_FD
  const channel = connectParent()
  const grandchild = look()
  let again: unknown
  try {
    connectParent()
  } catch (error) {
    again = isOutbandError(error) ? error.code : error
  }
  const { HERE: here } = process.env
  const { argv, execArgv } = process
  void channel.send({ before, grandchild, again, here, cwd: process.cwd(), argv: argv.slice(3), execArgv })
}

const [role = '', first = '', second] = process.argv.slice(2)
try {
  await roles[role]!(first, second)
} catch (error) {
  // That the parent has closed, or is gone, is no fault of the child.
  if (!isOutbandError(error, 'PEER_GONE', 'CLOSED')) throw error
}
