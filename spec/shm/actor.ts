/**
 * Run as `node actor.js ROLE ARGUMENTS…`: what a spec wants another process to do with shared memory. It says one line of
 * JSON. What might crash is done here, so that a crash is an exit code.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, truncateSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Random } from '../../fixtures/random.js'
import type { SharedMemory, SharedMemoryHandle } from '../../src/shm/index.js'

const [role, ...args] = process.argv.slice(2) as [string, ...string[]]

/** Imported late: some roles change what it finds. */
const shm = () => import('../../src/shm/index.js')

const say = (what: unknown): void => void writeSync(1, `${JSON.stringify(what)}\n`)

/** Lives until the spec has enough of it. */
const stay = (): Promise<void> => new Promise(resolve => process.stdin.on('end', resolve).resume())

const codeOf = (run: () => unknown): string => {
  try {
    run()
    return 'done'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

async function collect(): Promise<void> {
  for (let round = 0; round < 5; round++) {
    globalThis.gc!()
    await sleep(1)
  }
}

const bytesOf = ({ buffer }: SharedMemory): Uint8Array => new Uint8Array(buffer)

/** Mappings of shared memory, ours or anyone's, that this process has now. */
const mapped = (): number =>
  readFileSync('/proc/self/maps', 'utf8').match(/ \/(?:dev\/shm\/|memfd:outband)/g)?.length ?? 0

/** The processes that this thread has started and that have not ended. */
const children = (): number[] => {
  const numbers = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim()
  return numbers.split(' ').map(Number)
}

const descriptors = (): number => readdirSync('/proc/self/fd').length

/** Views of segments that were closed, unlinked and forgotten, in any order, are read and written. */
async function useAfter(Shm: typeof SharedMemory, anonymous: boolean): Promise<void> {
  const views = Array.from({ length: 20 }, (_, i) => {
    const memory = Shm.create({ size: 100_000, anonymous })
    const view = bytesOf(memory).fill(i)
    if (i % 2 === 0) memory.close()
    if (i % 3 === 0) memory.unlink()
    memory[Symbol.dispose]()
    return view
  })
  await collect()
  for (const [i, view] of views.entries()) {
    if (!view.every(byte => byte === i)) throw new Error(`view ${i} is not what it was`)
    view.fill(i + 1)
    Atomics.add(new Int32Array(view.buffer), 0, 1)
    structuredClone(view)
  }
  if (mapped() !== views.length) throw new Error(`${mapped()} mappings of ${views.length}`)
}

const roles: Record<string, () => Promise<void>> = {
  /** Makes so many segments, says their names, and the numbers of the processes it has started; one more when asked. */
  async own() {
    const { SharedMemory } = await shm()
    const make = (count: number): void => {
      const segments = Array.from({ length: count }, () => SharedMemory.create({ size: 4096 }))
      say({ names: segments.map(({ name }) => name), children: children() })
    }
    make(Number(args[0]))
    process.stdin.on('data', () => make(1))
    await stay()
  },

  /** The same in a worker, which is terminated while the process lives on. */
  async terminated() {
    const url = new URL('../../src/shm/index.js', import.meta.url)
    const code = `import(${JSON.stringify(url)}).then(({ SharedMemory }) => {
      const { name } = SharedMemory.create({ size: 4096 })
      require('node:worker_threads').parentPort.postMessage(name)
      setInterval(() => {}, 1000)
    })`
    const worker = new Worker(code, { eval: true })
    const name = await new Promise(resolve => worker.once('message', resolve))
    await worker.terminate()
    say(name)
    await stay()
  },

  /** Attaches to a name or handle and adds 1 to every byte. */
  async add() {
    const { SharedMemory } = await shm()
    const target = JSON.parse(args[0]!) as string | SharedMemoryHandle
    using memory = SharedMemory.attach(target)
    const bytes = bytesOf(memory)
    for (let i = 0; i < bytes.length; i++) bytes[i]! += 1
    say(memory.size)
  },

  /** Another process's descriptor, which it has no business with, is cut. */
  async cut() {
    const { pid, fd } = JSON.parse(args[0]!) as Required<SharedMemoryHandle>
    say([0, 10, 2 ** 20].map(size => codeOf(() => truncateSync(`/proc/${pid}/fd/${fd}`, size))))
  },

  /** Where there is a mebibyte in all. */
  async fill() {
    const { SharedMemory } = await shm()
    const first = SharedMemory.create({ size: 600_000 })
    bytesOf(first).fill(1)
    const codes = [900_000, 2 ** 20].map(size => codeOf(() => SharedMemory.create({ size })))
    const before = readdirSync('/dev/shm').length
    first.unlink()
    first.close()
    // Its pages are still mapped by the view, until that is gone.
    await collect()
    const second = SharedMemory.create({ size: 900_000 })
    bytesOf(second).fill(2)
    say({ codes, before, filled: bytesOf(second).every(byte => byte === 2) })
  },

  /** Makes and unlinks segments until it is killed. */
  async churn() {
    const { SharedMemory } = await shm()
    say('begun')
    for (const segments: SharedMemory[] = []; ; await sleep(0)) {
      const name = segments.length % 2 === 0 ? undefined : `churn-${process.pid}-${performance.now()}`
      segments.push(SharedMemory.create({ size: 100_000, name }))
      if (segments.length > 5) segments.shift()![Symbol.dispose]()
    }
  },

  /** Kills owners at random moments, where nobody else has shared memory. What is left after each: by its watcher, by a sweep. */
  async kills() {
    const { sweep } = await import('../../src/memory/sweep.js')
    const random = new Random(Number(args[1]))
    const left: [number, number][] = []
    for (let kills = 0; kills < Number(args[0]); kills++) {
      const child = spawn(process.execPath, [process.argv[1]!, 'churn'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(child.stdout, 'data')
      await sleep(random.int(0, 40))
      child.kill('SIGKILL')
      await once(child, 'close')
      const names = () => readdirSync('/dev/shm').length
      for (let ms = 0; ms < 2000 && names() > 0; ms += 5) await sleep(5)
      const byWatcher = names()
      sweep()
      left.push([byWatcher, names()])
    }
    say(left)
  },

  /** Makes segments with hardly a descriptor left, so that koffi is not even found, and one when there are enough again. How many children there are then. */
  async starve() {
    const { SharedMemory } = await shm()
    const make = () => SharedMemory.create({ size: 4096 })
    const taken: number[] = []
    const take = (): void => {
      try {
        for (;;) taken.push(openSync('/dev/null', 'r'))
      } catch {
        // There are no more.
      }
    }
    const codes: string[] = []
    for (let left = 0; left < 4; left++) {
      take()
      for (const fd of taken.splice(0, left)) closeSync(fd)
      codes.push(codeOf(() => make()[Symbol.dispose]()))
    }
    for (const fd of taken) closeSync(fd)
    make()
    say({ codes, watchers: children().length })
  },

  /** Sweeps all the time, until it is told to end. */
  async sweep() {
    const { sweep } = await import('../../src/memory/sweep.js')
    say('begun')
    process.stdin.on('end', () => process.exit()).resume()
    for (;;) {
      sweep()
      await nextTurn()
    }
  },

  /** Uses views of what was closed, unlinked and forgotten, with collections in between. */
  async after() {
    const { SharedMemory } = await shm()
    const before = descriptors()
    const mappings: number[] = []
    for (const anonymous of [false, true]) {
      await useAfter(SharedMemory, anonymous)
      await collect()
      mappings.push(mapped())
    }
    // The watcher's pipe, and what Node opens for it, stay.
    say({ mappings, more: descriptors() - before })
  },

  /** Mappings in every order of closing and forgetting; how many there are after each collection. */
  async windows() {
    const [{ Mapping }, { createMemoryFile }] = await Promise.all([
      import('../../src/memory/mapping.js'),
      import('../../src/memory/memfd.js'),
    ])
    const fd = createMemoryFile('outband windows', 100_000)
    const open = () => Mapping.open(fd, 100_000)
    const counts: [what: string, mappings: number][] = []
    const count = async (what: string): Promise<void> => {
      await collect()
      counts.push([what, mapped()])
    }
    const kept: unknown[] = []
    kept.push(open())
    await count('a mapping that is kept')
    kept.push(open().window(100, 10))
    await count('a window alone that is kept')
    kept.push(new Uint8Array(open().window(0, 64)).subarray(3, 5))
    await count('a view of a window alone that is kept')
    open().window(0, 64)
    await count('forgotten, never closed')
    const closed = open()
    closed.window(0, 64)
    closed.close()
    await count('closed, window forgotten')
    const last = open()
    kept.push(last.window(0, 64))
    last.close()
    await count('closed, window kept')
    kept.length = 0
    await count('all forgotten')
    say(counts)
  },

  /** Writes to memory that was mapped only to be read. */
  async readonly() {
    const { Mapping } = await import('../../src/memory/mapping.js')
    const { createMemoryFile } = await import('../../src/memory/memfd.js')
    const fd = createMemoryFile('outband readonly', 100)
    new Uint8Array(Mapping.open(fd, 100, { access: 'readonly' }).window(0, 100))[0] = 1
    say('written')
  },

  /** What is said where something is missing. */
  async lacking() {
    if (args[0]!.endsWith('koffi')) {
      const code = args[0] === 'koffi' ? 'MODULE_NOT_FOUND' : 'ERR_DLOPEN_FAILED'
      const modules = createRequire(import.meta.url)('node:module')
      const load = modules._load
      modules._load = (name: string, ...rest: unknown[]) => {
        if (name === 'koffi') throw Object.assign(new Error('no koffi'), { code })
        return load(name, ...rest)
      }
    } else Object.defineProperty(process, 'platform', { value: args[0] })
    const { SharedMemory } = await shm()
    const made = [{ size: 10 }, { size: 10, anonymous: true }].map(options => {
      try {
        return SharedMemory.create(options).name
      } catch (error) {
        const { code, message } = error as { code: string; message: string }
        return [code, message]
      }
    })
    const children = existsSync('/proc/self/task')
      ? readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
      : ''
    say({ made, children })
  },

  /** Makes so many segments in one go, says their names, and is killed before anything else can run. */
  async burst() {
    const { SharedMemory } = await shm()
    const name = (i: number) => (args[1] === 'named' ? `spec-burst-${process.pid}-${i}` : undefined)
    const made = Array.from({ length: Number(args[0]) }, (_, i) =>
      SharedMemory.create({ size: 10, name: name(i) }),
    )
    say(made.map(({ name }) => name))
    process.kill(process.pid, 'SIGKILL')
  },

  /** Ends in one of the ways that a program has. */
  async end() {
    const { SharedMemory } = await shm()
    const { name } = SharedMemory.create({ size: 10 })
    say(name)
    if (args[0] === 'exit') process.exit()
    if (args[0] === 'throw') {
      process.stderr.write = () => true
      throw new Error('as it was asked to')
    }
  },

  /** A child that inherits the descriptor of an anonymous segment. */
  async inherit() {
    const { SharedMemory } = await shm()
    using memory = SharedMemory.create({ size: 5, anonymous: true })
    const { fd } = memory.handle
    const command = [process.argv[1]!, 'add', JSON.stringify({ fd: 3 })]
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'inherit', fd] })
    const status = await new Promise(resolve => child.once('close', resolve))
    say({ status, bytes: [...bytesOf(memory)] })
  },
}

await roles[role]!()
