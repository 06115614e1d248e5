// Preloaded (`--import`): a process in which the package koffi is not installed.

import Module from 'node:module'

const loader = Module as unknown as { _load(name: string, ...rest: unknown[]): unknown }
const load = loader._load
loader._load = (name, ...rest) => {
  if (name === 'koffi')
    throw Object.assign(new Error("Cannot find module 'koffi'"), { code: 'MODULE_NOT_FOUND' })
  return load.call(Module, name, ...rest)
}
