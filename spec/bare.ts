/**
 * Run by `door.spec.ts` in a process of its own: a round trip through the built core where Node's globals are gone.
 * The one argument is the hexadecimal `meta` of a Buffer that a process with Buffers encoded in band.
 */

const [hex] = process.argv.slice(2)
const { exit } = process
const { error } = console

const nodeOnly = ['Buffer', 'process', 'global', 'require', 'module', 'setImmediate', 'clearImmediate']
for (const name of nodeOnly) delete (globalThis as Record<string, unknown>)[name]

const { decode, encode } = await import('outband')
const { Deframer, packBytes, unpack } = await import('outband/frame')
const { NDArray, pickle } = await import('outband/pickle')
const { difference } = await import('./same.js')

function check(holds: boolean, what: string): void {
  if (holds) return
  error(`bare: ${what}`)
  exit(1)
}

check(
  nodeOnly.every(name => !(name in globalThis)),
  'a global of Node is back',
)

const samples = Float32Array.from({ length: 1000 }, (_, i) => i / 3)
const strings = [
  '',
  'latin1: é',
  'emoji: 🦊',
  'lone: \ud800',
  'long '.repeat(5000),
  'é'.repeat(5000),
  // Where what the web calls latin1 is windows-1252.
  '\x80\x81\x9f'.repeat(5000),
  '🦊'.repeat(5000),
]
const value = {
  strings,
  numbers: [0, -0, 1.5, NaN, 2 ** 53, -1, 10n ** 40n],
  map: new Map<unknown, unknown>([
    ['a', new Date(0)],
    [samples, new Set([/a/g])],
  ]),
  samples,
}

for (const threshold of [0, Infinity]) {
  const packet = encode(value, { threshold })
  const found = difference(value, decode(packet))
  check(found === undefined, `threshold ${threshold}: ${found}`)
  const frame = packBytes(packet, { checksum: true })
  for (const received of [unpack(frame), ...new Deframer().push(frame)]) {
    const framed = difference(value, decode(received))
    check(framed === undefined, `threshold ${threshold}, framed: ${framed}`)
  }
  check(
    packet.buffers.length === (threshold === 0 ? 1 : 0),
    `threshold ${threshold}: ${packet.buffers.length} buffers`,
  )
}

const forPython = { strings, samples, map: new Map([[1, 10n ** 40n]]), grid: new NDArray(samples, [10, 100]) }
for (const threshold of [0, Infinity]) {
  const packet = encode(forPython, { threshold, format: pickle })
  const found = difference(forPython, decode(packet, { format: pickle }))
  check(found === undefined, `a pickle, threshold ${threshold}: ${found}`)
}

const meta = Uint8Array.from(hex!.match(/../g)!, digits => Number.parseInt(digits, 16))
const sent = difference(Uint8Array.of(104, 105), decode({ meta, buffers: [] }))
check(sent === undefined, `a Buffer from Node: ${sent}`)
