import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { cbor } from '../../src/formats/cbor.js'
import { msgpack } from '../../src/formats/msgpack.js'
import type { Format } from '../../src/index.js'

/** Formats that carry any value. */
export const formats: readonly Format[] = [msgpack, cbor]

const scripts = fileURLToPath(new URL('../../../fixtures/python/', import.meta.url))
/** Debian's packages belong to Debian's Python, which need not be the first one on the PATH. */
const PYTHONS = [process.env.PYTHON ?? '', '/usr/bin/python3', 'python3'].filter(name => name !== '')

export interface Python {
  /** Why it is not there; empty when it is. */
  readonly reason: string
  /** Runs a script of `fixtures/python`; what it printed. @throws Error with its stderr when it fails */
  run(script: string, args: readonly string[], input?: Uint8Array): Buffer
}

/** A Python that has these modules. */
export function pythonWith(...modules: readonly string[]): Python {
  const found = PYTHONS.find(python => spawnSync(python, ['-c', `import ${modules.join(', ')}`]).status === 0)
  return {
    reason: found === undefined ? `no python3 with ${modules.join(', ')}` : '',
    run(script, args, input = new Uint8Array()) {
      const options = { input, maxBuffer: 2 ** 28 }
      const { stdout, stderr, status } = spawnSync(found as string, [`${scripts}${script}`, ...args], options)
      if (status !== 0) throw new Error(String(stderr))
      return stdout
    },
  }
}
