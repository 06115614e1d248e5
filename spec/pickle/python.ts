import { spawnSync } from 'node:child_process'

/** Debian's Python has Debian's numpy; elsewhere the one that is found. */
const CANDIDATES = [process.env.PYTHON, '/usr/bin/python3', 'python3'].filter(name => name !== undefined)

/** A Python with numpy and these modules, if there is one. */
export const pythonWith = (...modules: readonly string[]): string | undefined =>
  CANDIDATES.find(
    name =>
      spawnSync(name, ['-c', `import ${['numpy', ...modules].join()}`], { stdio: 'ignore' }).status === 0,
  )

export const python: string | undefined = pythonWith()
