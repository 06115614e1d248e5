/** Views of mapped files on channels that share memory: told of by their places, and copied where that would be wrong. */
import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { dump, load } from '../../src/file/index.js'
import { isOfFile } from '../../src/memory/mapped-file.js'
import { type ChildChannel, forkChannel } from '../../src/process/index.js'
import { memoryOf } from '../../src/shm/index.js'
import { upTo, within } from '../carriers/inbox.js'
import { inFolder } from '../file/kit.js'
import { errorOf, take, withChannel } from '../process/kit.js'
import { isLinux } from './kit.js'

const member = fileURLToPath(new URL('member.js', import.meta.url))
const FAST = { sync: false, threshold: 0 }
/** Items of 8 bytes: more than are worth a mapping. */
const MANY = 10_000

const mapped = suite('shared memory: mapped files')
const row = isLinux ? mapped : mapped.skip

type Ask = (value: unknown) => Promise<unknown>

/** A test with a joined child of a role and a folder. */
function withChild(
  role: string,
  run: (channel: ChildChannel, path: string, ask: Ask) => Promise<void>,
): () => Promise<void> {
  return inFolder(folder =>
    withChannel(
      () => forkChannel(member, [role], { memory: 'shared', execArgv: ['--expose-gc'] }),
      async channel => {
        assert.is(await within(memoryOf(channel)!.joined, 'joined', 30_000), true)
        const ask: Ask = async value => {
          await channel.send(value)
          return (await take(channel, 1))[0]
        }
        await run(channel, join(folder, 'value'), ask)
      },
    ),
  )
}

const counts = ({ stats: { sent } }: ChildChannel) => ({ shared: sent.shared, copied: sent.copied })
const kept = (sum: number) => ({ sum, isReadonly: false })

row(
  'joblib test_memmap_based_array_reducing: private: the child maps the file for itself, and what is written on one side is not on the other',
  withChild('keep', async (channel, path, ask) => {
    await dump(path, new Float64Array(MANY).fill(1), FAST)
    const x = await load<Float64Array>(path, { mmap: 'private' })
    assert.equal(await ask({ x }), kept(MANY))
    assert.equal(counts(channel), { shared: 8 * MANY, copied: 0 })
    x[0] = 5
    assert.equal(await ask('again'), kept(MANY))
    // What was written is in no file.
    assert.equal(await ask({ x }), kept(MANY + 4))
    assert.equal(counts(channel), { shared: 8 * MANY, copied: 8 * MANY })
  }),
)

row(
  'joblib test_memmap_based_array_reducing: shared: both write to the file',
  withChild('keep', async (channel, path, ask) => {
    await dump(path, new Float64Array(MANY).fill(1), FAST)
    const x = await load<Float64Array>(path, { mmap: 'shared' })
    assert.equal(await ask({ x }), kept(MANY))
    x[0] = 5
    assert.equal(await ask('again'), kept(MANY + 4))
    assert.equal(counts(channel), { shared: 8 * MANY, copied: 0 })
  }),
)

row(
  'short views of a private mapping are copied, of a shared one they are shared',
  withChild('keep', async (channel, path, ask) => {
    await dump(path, new Float64Array(1000).fill(1), FAST)
    const own = await load<Float64Array>(path, { mmap: 'private' })
    assert.equal(await ask({ x: own }), kept(1000))
    assert.equal(counts(channel), { shared: 0, copied: 8000 })
    const x = await load<Float64Array>(path, { mmap: 'shared' })
    assert.equal(await ask({ x }), kept(1000))
    assert.equal(counts(channel), { shared: 8000, copied: 8000 })
  }),
)

row(
  'joblib test_memmap_based_array_reducing: windows on a file, arrays of the arena and ordinary ones in one value; and back',
  withChild('echo', async (channel, path) => {
    await dump(
      path,
      new Float64Array(MANY).map((_, i) => i),
      FAST,
    )
    const x = await load<Float64Array>(path, { mmap: 'private' })
    const { arena } = memoryOf(channel)!
    const value = {
      ordinary: new Float64Array(MANY).fill(1),
      window: x.subarray(5000),
      lent: arena.alloc(Float64Array, 10_000).fill(2),
      short: new Uint8Array(5000).fill(3),
    }
    await channel.send(value)
    const [back] = (await take(channel, 1)) as [typeof value]
    assert.equal(back, value)
    assert.equal(
      [back.window, back.lent, back.ordinary].map(({ buffer }) => isOfFile(buffer)),
      [true, false, false],
    )
  }),
)

row(
  'a file that is replaced while the channel has it is still the file that was mapped',
  withChild('keep', async (channel, path, ask) => {
    await dump(path, new Float64Array(MANY).fill(1), FAST)
    const x = await load<Float64Array>(path, { mmap: 'private' })
    const late = await load<Float64Array>(path, { mmap: 'private' })
    assert.equal(await ask({ x }), kept(MANY))
    await dump(path, new Float64Array(MANY).fill(2), FAST)
    assert.equal(await ask({ x }), kept(MANY))
    assert.equal(counts(channel), { shared: 16 * MANY, copied: 0 })
    // Of one that nobody asked for in time the bytes are still there.
    assert.equal(await ask({ x: late }), kept(MANY))
    assert.equal(counts(channel), { shared: 16 * MANY, copied: 8 * MANY })
  }),
)

row(
  'a file that was cut is refused by the sender, and the channel goes on',
  withChild('keep', async (channel, path, ask) => {
    await dump(path, new Float64Array(MANY).fill(1), FAST)
    const x = await load<Float64Array>(path, { mmap: 'private' })
    truncateSync(path, 1000)
    assert.is((await errorOf(channel.send({ x }))).code, 'SHM_STALE')
    assert.equal(await ask({ x: new Float64Array(10) }), kept(0))
  }),
)

row(
  'of more files than a channel keeps open the rest is copied',
  withChild('keep', async (channel, path, ask) => {
    const paths = upTo(66).map(i => `${path}${i}`)
    for (const path of paths) {
      await dump(path, new Float64Array(5000).fill(1), FAST)
      const x = await load<Float64Array>(path, { mmap: 'private' })
      assert.equal(await ask({ x }), kept(5000))
    }
    assert.equal(counts(channel), { shared: 64 * 40_000, copied: 2 * 40_000 })
  }),
)

mapped.run()
