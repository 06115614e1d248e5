#!/usr/bin/env node
// outband demo | inspect: exit 0 when all is well, 1 when something failed or differs, 2 on bad arguments.

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { demo } from './demo.js'
import { inspectFile } from './inspect.js'

const USAGE = `usage: outband <command>

  outband demo [--json]   sends real data to a worker thread, to a child process and back, and says what it took
  outband inspect FILE    lists the frames, or the metadata stream, that a file holds
  outband --help
  outband --version`

class UsageError extends Error {}

// A reader that has seen enough (`| head`) is not a failure; a full disk is.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  process.stderr.write(`outband: ${error.message}\n`)
  process.exit(1)
})

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const isUsage = error instanceof UsageError
  process.stderr.write(`outband: ${(error as Error).message}\n${isUsage ? `\n${USAGE}\n` : ''}`)
  process.exitCode = isUsage ? 2 : 1
}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = readArguments(args)
  const [command, ...operands] = positionals
  if (values.help) return print(USAGE)
  if (values.version) return print(version())
  if (values.json && command !== 'demo') throw new UsageError('--json belongs to demo')
  switch (command) {
    case 'demo':
      if (operands.length > 0) throw new UsageError(`demo takes no operand, got ${operands[0]}`)
      return (await demo({ json: values.json })) ? 0 : 1
    case 'inspect':
      if (operands.length !== 1) throw new UsageError(`inspect takes one file, got ${operands.length}`)
      return inspect(operands[0]!)
    case undefined:
      throw new UsageError('no command')
    default:
      throw new UsageError(`no command is called ${command}`)
  }
}

/** Whatever can be listed is, and the exit code tells whether that was all. */
async function inspect(path: string): Promise<number> {
  let code = 0
  for await (const lines of inspectFile(path)) {
    print(lines.toString())
    if (lines.isBroken) code = 1
  }
  return code
}

function readArguments(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        version: { type: 'boolean', short: 'v', default: false },
      },
    })
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause })
  }
}

function print(text: string): 0 {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  return 0
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}
