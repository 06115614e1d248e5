// CPython's pickle beside us: as a codec with numpy arrays out of band (PEP 574 itself), under our format of the same
// name, and as what multiprocessing sends. The value is made in Python of what we pickle; Python times itself by orders
// from here, so it takes turns like everybody else. And pickleparser, a package that reads pickles.

import { Parser } from 'pickleparser'
import { Peer } from '../spec/pickle/peer.js'
import { scriptPath } from '../spec/pickle/script.js'
import { pickle } from '../src/formats/pickle/index.js'
import { decode, encode } from '../src/index.js'
import { burstOf } from './burst.js'
import { type Contestant, loop, type Session } from './contestant.js'
import { findPython } from './python.js'

const MIB = 2 ** 20
/** Arrays are frames of their own on the way to Python, as in whatever it sends back. */
const APART = { threshold: 0 }

/** One Python for all sessions of a contestant. */
function lazily(): () => Peer {
  let peer: Peer | undefined
  return () => {
    const python = findPython()
    if (!python) throw new Error('there is no python3 with numpy')
    peer ??= new Peer(python.command, [scriptPath('time_pickle.py')])
    return peer
  }
}

function cpython(name: string, on?: 'pickle'): Contestant {
  const python = lazily()
  const open = async (value: unknown): Promise<Session> => {
    const peer = python()
    const bytes = await peer.ask<number>('value', value, APART)
    const timed = (order: string) => (times: number) => peer.ask<number>(order, times)
    return {
      ops: { both: timed('both'), encode: timed('encode'), decode: timed('decode') },
      bytes,
      here: { pid: peer.pid },
      result: () => peer.ask('result', null),
    }
  }
  return {
    name,
    family: 'python',
    about: 'pickle.dumps(value, 5, buffer_callback), pickle.loads(meta, buffers), by Python’s clock',
    maxBytes: 64 * MIB,
    foreign: 'Python',
    ...(on && { on }),
    open,
  }
}

function multiprocessing(name: string, about: string, way: 'pipe' | 'queue' | 'frames'): Contestant {
  const python = lazily()
  const open = async (value: unknown): Promise<Session> => {
    const peer = python()
    await peer.ask('value', value, APART)
    const receiver = await peer.ask<number>('way', way)
    const per = burstOf(value)
    return {
      ops: { 'one way': times => peer.ask<number>('send', times * per) },
      per,
      here: { pid: peer.pid },
      there: { pid: receiver },
      result: () => peer.ask('result', null),
    }
  }
  return { name, family: 'python', about, on: 'process', foreign: 'Python', open }
}

/** Reads what we write, which has no arrays out of band. */
function pickleparser(): Contestant {
  const open = (value: unknown): Session => {
    const { meta } = encode(value, { format: pickle, threshold: Number.POSITIVE_INFINITY })
    const parse = () => new Parser().parse(meta)
    parse()
    return { ops: { decode: loop(parse) }, bytes: meta.length, result: parse }
  }
  return {
    name: 'pickleparser',
    family: 'pickleparser',
    about: 'new Parser().parse(bytes), which reads alone',
    on: 'pickle',
    variant: true,
    open,
  }
}

function ours(): Contestant {
  const options = { format: pickle }
  const open = (value: unknown): Session => {
    const packet = encode(value, options)
    const { meta, buffers } = packet
    return {
      ops: {
        both: loop(() => decode(encode(value, options), options)),
        encode: loop(() => encode(value, options)),
        decode: loop(() => decode(packet, options)),
      },
      bytes: buffers.reduce((sum, { byteLength }) => sum + byteLength, meta.byteLength),
      result: () => decode(encode(value, options), options),
    }
  }
  return {
    name: 'outband pickle',
    family: 'outband',
    about: 'encode(value, { format: pickle })',
    ours: true,
    on: 'pickle',
    open,
  }
}

export const pythonCodecs: readonly Contestant[] = [cpython('pickle 5')]
export const pickleContestants: readonly Contestant[] = [ours(), cpython('CPython', 'pickle'), pickleparser()]
export const pythonProcesses: readonly Contestant[] = [
  multiprocessing('multiprocessing', 'Pipe().send(value), Python to Python', 'pipe'),
  multiprocessing('multiprocessing Queue', 'Queue().put(value), Python to Python', 'queue'),
  multiprocessing(
    'multiprocessing 5',
    'Pipe: send_bytes of pickle 5 and of each buffer, recv_bytes_into',
    'frames',
  ),
]
