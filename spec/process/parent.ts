// A process with three children, for the specs to see what becomes of them.

import { fileURLToPath } from 'node:url'
import { forkChannel } from '../../src/process/index.js'

const script = fileURLToPath(new URL('child.js', import.meta.url))
const children = Array.from({ length: 3 }, () => forkChannel(script, ['echo']))
for (const child of children) {
  await child.send('ready')
  for await (const _ of child) break
}
process.stdout.write('ready\n')

const roles: Readonly<Record<string, () => unknown>> = {
  wait: () => {},
  exit: () => process.exit(),
  close: () => Promise.all(children.map(child => child.close())),
  unref: () => children.map(child => child.unref()),
}
await roles[process.argv[2]!]!()
