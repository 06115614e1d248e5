/** The command line as its users meet it: a process, its output and its exit code. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openLog } from '../src/file/index.js'
import { packBytes } from '../src/frame/index.js'
import { packNote } from '../src/frame/note.js'
import { encode, inspect } from '../src/index.js'
import { canEval } from './eval.js'

const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url))
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

const run = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })

const isLinux = process.platform === 'linux'

const demo = suite('cli: demo')

/** Each takes seconds, most of them for what it measures: one belongs to each of the two runs of the suite. */
const [byJson, byTable] = canEval() ? [demo, demo.skip] : [demo.skip, demo]

byJson('real data comes back equal, and the codec copies none of it', () => {
  const { status, stdout } = run('demo', '--json')
  const report = JSON.parse(stdout)
  assert.is(status, 0)
  assert.is(report.equal, true)
  assert.is(report.values.length, 4)
  for (const row of report.values) {
    assert.is(row.equal, true, row.value)
    assert.is(row.copiedBytes, 0, row.value)
    assert.ok(
      row.metaBytes > 0 && row.encodeNs > 0 && row.decodeNs > 0 && row.structuredCloneNs > 0,
      row.value,
    )
    const { equal, roundTripNs, forkRoundTripNs, differences } = row.child
    assert.equal([equal, differences], [true, []], row.value)
    assert.ok(roundTripNs > 0 && forkRoundTripNs > 0, row.value)
    assert.is(row.memory?.equal, isLinux || undefined, row.value)
  }
  assert.is(report.absent === undefined, isLinux)
  const [table, , , frame] = report.values
  assert.is(table.outOfBandBytes, 1_600_000)
  assert.is(frame.outOfBandBytes, (1920 * 1080 * 3) / 2)
})

byTable('the table has no colours where nobody looks', () => {
  const { status, stdout } = run('demo')
  assert.is(status, 0)
  assert.not.ok(stdout.includes('\x1b'))
  // To the thread and to the child, by its pipe and by memory.
  assert.is(stdout.match(/ yes$/gm)?.length, isLinux ? 12 : 8)
})

byTable('without koffi one way is left out, and says so', () => {
  const preload = new URL('shm/without-koffi.js', import.meta.url).href
  const { status, stdout } = spawnSync(process.execPath, ['--import', preload, main, 'demo'], {
    encoding: 'utf8',
  })
  assert.is(status, 0)
  assert.is(stdout.match(/ yes$/gm)?.length, 8)
  if (isLinux) assert.match(stdout, /^left out: koffi is not installed/m)
})

const arguments_ = suite('cli: arguments')

const refused: [name: string, args: string[], status: number, message: RegExp][] = [
  ['no command', [], 2, /usage/],
  ['an unknown command', ['dance'], 2, /dance[\s\S]*usage/],
  ['an unknown option', ['demo', '--loud'], 2, /usage/],
  ['no file', ['inspect'], 2, /usage/],
  ['a file that is not there', ['inspect', join(tmpdir(), 'outband', 'nowhere')], 1, /ENOENT/],
]
for (const [name, args, status, message] of refused) {
  arguments_(`${name} ends with ${status} and says why on stderr`, () => {
    const ended = run(...args)
    assert.is(ended.status, status)
    assert.match(ended.stderr, message)
    assert.is(ended.stdout, '')
  })
}

arguments_('--version and --help answer', () => {
  assert.is(run('--version').stdout.trim(), version)
  assert.match(run('--help').stdout, /usage/)
})

arguments_('inspect lists a file that holds metadata, and what it can of any other', () => {
  const folder = mkdtempSync(join(tmpdir(), 'outband-'))
  try {
    const { meta } = encode({ id: 7, tags: ['a'] })
    const file = join(folder, 'packet.meta')
    writeFileSync(file, meta)
    const listed = run('inspect', file)
    assert.is(listed.status, 0)
    assert.is(listed.stdout.trim(), inspect({ meta, buffers: [] }).trim())
    for (const [content, reason] of [
      ['no packet', /! stopped: no magic number/],
      ['', /! stopped: /],
      [meta.subarray(0, -1), /! stopped: /],
    ] as const) {
      writeFileSync(file, content)
      const { status, stdout, stderr } = run('inspect', file)
      assert.match(stdout, reason)
      assert.equal([status, stderr], [1, ''])
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

arguments_('inspect lists the frames of a file, up to where they make no sense', () => {
  const folder = mkdtempSync(join(tmpdir(), 'outband-'))
  try {
    const packet = encode({ id: 7, samples: new Float64Array(200) }, { threshold: 0 })
    const [plain, checked] = [packBytes(packet), packBytes(packet, { checksum: true })]
    const file = join(folder, 'stream.frame')
    const ended = (wanted: number, ...frames: Uint8Array[]): string => {
      writeFileSync(file, Buffer.concat(frames))
      const { status, stdout, stderr } = run('inspect', file)
      assert.equal([status, stderr], [wanted, ''])
      return stdout
    }
    const damaged = (...frames: Uint8Array[]) => ended(1, ...frames)
    const both = ended(0, plain, checked)
    assert.is(both.split(inspect(packet).trim()).length, 3)
    assert.match(both, `outband frame at byte 0: ${plain.length} bytes, 1 buffer\n`)
    assert.match(
      both,
      `outband frame at byte ${plain.length}: ${checked.length} bytes, 1 buffer, checksums\n`,
    )
    assert.match(both, /\d\d\d? {2}buffer 0, 1600 bytes, checksum 0x[0-9a-f]{8}\n/)
    checked[checked.length - 9]! ^= 1
    assert.match(damaged(checked), /! buffer 0 is not what was sent[\s\S]*Float64Array/)
    assert.match(damaged(plain.subarray(0, 500)), /! the frame ends[\s\S]*Float64Array/)
    assert.match(damaged(plain.subarray(0, 30)), /! not a frame: the frame ends/)
    assert.match(damaged(plain, Buffer.from('noise')), /at byte \d+\n! not a frame: no magic number/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

arguments_('inspect lists what the two ends of a connection said to each other', () => {
  const folder = mkdtempSync(join(tmpdir(), 'outband-'))
  try {
    const file = join(folder, 'captured')
    const stream = [packNote('hello', 30_000), packBytes(encode('text')), packNote('bye')]
    writeFileSync(file, Buffer.concat(stream))
    const { status, stdout } = run('inspect', file)
    assert.is(status, 0)
    assert.match(stdout, /^outband note at byte 0: hello 30000\n\noutband frame at byte 40: /)
    assert.match(stdout, /"text"[\s\S]*outband note at byte \d+: bye 0\n$/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

arguments_('inspect lists a log, and says where its torn tail begins, behind 100 frames too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'outband-'))
  try {
    const file = join(folder, 'log')
    const log = await openLog(file, { sync: false })
    const appends = Array.from({ length: 130 }, (_, id) => log.append({ id, samples: new Float64Array(600) }))
    await Promise.all(appends)
    await log.close()
    const whole = readFileSync(file)
    const frameBytes = whole.length / 130
    const ended = (wanted: number, bytes: Uint8Array): string => {
      writeFileSync(file, bytes)
      const { status, stdout, stderr } = run('inspect', file)
      assert.equal([status, stderr], [wanted, ''])
      return stdout
    }
    const all = ended(0, whole)
    assert.is(all.match(/outband frame at byte/g)?.length, 100)
    assert.match(all, `\n\n… 30 more frames, ${30 * frameBytes} bytes\n`)
    assert.not.match(all, 'torn')
    const torn = ended(1, whole.subarray(0, -9))
    assert.match(
      torn,
      `… 29 more frames, ${29 * frameBytes} bytes\noutband frame at byte ${129 * frameBytes}\n`,
    )
    assert.match(torn, /! torn: the frame ends at byte \d+; wanted \d+, got \d+\n… \d+ more bytes\n$/)
    const short = ended(1, whole.subarray(0, frameBytes * 2 + 1000))
    assert.match(short, `! torn: 1000 bytes from byte ${2 * frameBytes} on are no whole frame`)
    assert.is(short.match(/outband packet: /g)?.length, 3)
    assert.match(ended(1, Buffer.concat([whole, Buffer.alloc(24)])), '! torn: no magic number')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

arguments_('inspect reads a pipe to its end', () => {
  const frame = packBytes(encode({ id: 7 }))
  const { stdout, status } = spawnSync(
    'sh',
    ['-c', `cat | "${process.execPath}" "${main}" inspect /dev/stdin`],
    {
      encoding: 'utf8',
      input: frame,
    },
  )
  assert.is(status, 0)
  assert.match(stdout, `outband frame at byte 0: ${frame.length} bytes, 0 buffers\n`)
})

const devices = suite('cli: devices')
const onLinux = isLinux ? devices : devices.skip

onLinux('inspect of what never ends is an error', () => {
  const { status, stdout, stderr } = run('inspect', '/dev/zero')
  assert.equal([status, stdout], [1, ''])
  assert.match(stderr, /^outband: \/dev\/zero is no file, and has 1 GiB or more[^\n]*\n$/)
})

onLinux('a full disk is an error of one line, and a reader that has seen enough is none', () => {
  const helped = `"${process.execPath}" "${main}" --help`
  const ended = (command: string) => spawnSync('sh', ['-c', command], { encoding: 'utf8' })
  const full = ended(`${helped} >/dev/full`)
  assert.is(full.status, 1)
  assert.match(full.stderr, /^outband: ENOSPC[^\n]*\n$/)
  assert.is(ended(`${helped} | true`).stderr, '')
})

demo.run()
devices.run()
arguments_.run()
