/** What is on the disk when a promise resolves, told by the calls that are made of the system. */
import { readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { dump, load, openLog } from '../../src/file/index.js'
import { failed, inFolder, namesIn } from './kit.js'

type Method = 'sync' | 'datasync'

/** Runs with a method of all files replaced by `call`, which may make the call itself. */
async function replaced(
  method: Method,
  call: (file: FileHandle, original: () => Promise<void>) => Promise<void>,
  run: () => Promise<void>,
): Promise<void> {
  const handle = await open(process.execPath)
  const prototype = Object.getPrototypeOf(handle) as FileHandle
  await handle.close()
  const original = prototype[method]
  prototype[method] = function (this: FileHandle): Promise<void> {
    return call(this, () => original.call(this))
  }
  try {
    await run()
  } finally {
    prototype[method] = original
  }
}

const fault = (code: string): Error =>
  Object.assign(new Error(`${code}: made up`), { code, syscall: 'fsync' })
const isFolder = async (file: FileHandle): Promise<boolean> => (await file.stat()).isDirectory()

const test = suite('file: fsync')

test(
  'dump: all of the file before it takes its name, and then the folder',
  inFolder(async folder => {
    const path = join(folder, 'value')
    await dump(path, 'old')
    const calls: string[] = []
    const note = async (file: FileHandle, original: () => Promise<void>): Promise<void> => {
      const { size } = await file.stat()
      const kind = (await isFolder(file)) ? 'folder' : size > 100_000
      calls.push(`${kind}, ${(await load<string>(path)).slice(0, 3)}`)
      await original()
    }
    const value = 'new'.repeat(40_000)
    await replaced('sync', note, async () => {
      await dump(path, value)
      await dump(path, value, { sync: false })
    }).catch(error => assert.unreachable(error))
    assert.equal(calls, ['true, old', 'folder, new'])
  }),
)

test(
  'dump: when the file cannot be brought to the disk the old one stays',
  inFolder(async folder => {
    const path = join(folder, 'value')
    await dump(path, 'old')
    const fails = async (): Promise<void> => {
      throw fault('EIO')
    }
    for (const value of ['new', new Uint8Array(2 ** 20)])
      await replaced('sync', fails, () => failed(dump(path, value), 'EIO').then(() => {}))
    assert.is(await load(path), 'old')
    assert.equal(namesIn(folder), ['value'])
  }),
)

test(
  'dump: a folder that fails is an error, when the new file is in its place; one that has no fsync is none',
  inFolder(async folder => {
    const path = join(folder, 'value')
    for (const code of ['EIO', 'EINVAL', 'ENOTSUP']) {
      const fails = async (file: FileHandle, original: () => Promise<void>): Promise<void> => {
        if (await isFolder(file)) throw fault(code)
        await original()
      }
      await replaced('sync', fails, async () => {
        const done = dump(path, code)
        if (code === 'EIO') await failed(done, 'EIO')
        else await done
      })
      assert.is(await load(path), code)
    }
    assert.equal(namesIn(folder), ['value'])
  }),
)

test(
  'a log: each append is on the disk when it resolves, or with the system',
  inFolder(async folder => {
    const path = join(folder, 'log')
    for (const sync of [true, false, undefined]) {
      const sizes: number[] = []
      const folders: boolean[] = []
      const note = async (file: FileHandle, original: () => Promise<void>): Promise<void> => {
        sizes.push((await file.stat()).size)
        await original()
      }
      const noteFolder = async (file: FileHandle, original: () => Promise<void>): Promise<void> => {
        folders.push(await isFolder(file))
        await original()
      }
      const before = sync === true ? 0 : readFileSync(path).length
      const append = async (): Promise<void> => {
        const log = await openLog(path, { sync })
        await log.append('a')
        assert.equal(sizes, sync === false ? [] : [log.byteLength])
        assert.ok(log.byteLength > before)
        await log.close()
      }
      await replaced('datasync', note, () => replaced('sync', noteFolder, append))
      // The name of a new file is brought to the disk too.
      assert.equal(folders, sync === true ? [true] : [])
    }
  }),
)

test.run()
