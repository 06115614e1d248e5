// The Python that stands for Python in the bench: with numpy, or none.

import { spawnSync } from 'node:child_process'

export interface Python {
  readonly command: string
  readonly version: string
  readonly numpy: string
}

const CANDIDATES = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter(name => name !== undefined)
const CODE = 'import platform, numpy; print(platform.python_version(), numpy.__version__)'

let found: Python | null | undefined

/** A Python with numpy: that of `$PYTHON`, else the first on the PATH, else Debian's; nothing when none has it. */
export function findPython(): Python | undefined {
  found ??= CANDIDATES.map(ask).find(one => one !== undefined) ?? null
  return found ?? undefined
}

function ask(command: string): Python | undefined {
  const { stdout, status } = spawnSync(command, ['-c', CODE], { encoding: 'utf8' })
  if (status !== 0) return undefined
  const [version = '', numpy = ''] = stdout.trim().split(' ')
  return { command, version, numpy }
}
