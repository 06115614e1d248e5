import { createRequire } from 'node:module'
import { cpus, totalmem } from 'node:os'
import { isNativeAccelerationEnabled as cborNative } from 'cbor-x'
import { isNativeAccelerationEnabled as msgpackNative } from 'msgpackr'
import { findPython } from './python.js'

/** What a figure has to be read with. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly node: string
  readonly platform: string
  readonly date: string
  readonly plan: string
  readonly versions: Readonly<Record<string, string>>
}

const PACKAGES = [
  'msgpackr',
  'cbor-x',
  '@msgpack/msgpack',
  'devalue',
  'seroval',
  'superjson',
  'apache-arrow',
  'comlink',
  'piscina',
]

export function thisMachine(plan: string): Machine {
  const processors = cpus()
  const python = findPython()
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    date: new Date().toISOString().slice(0, 10),
    plan,
    versions: { ...versions(), ...(python && { python: python.version, numpy: python.numpy }) },
  }
}

function versions(): Record<string, string> {
  const require = createRequire(import.meta.url)
  const { version, devDependencies } = require('../../package.json') as {
    version: string
    devDependencies: Record<string, string>
  }
  const native: Record<string, boolean> = { msgpackr: msgpackNative, 'cbor-x': cborNative }
  const others = PACKAGES.map(name => [name, `${devDependencies[name]}${native[name] ? ' (native)' : ''}`])
  return { outband: version, ...Object.fromEntries(others) }
}
