/** What a watcher runs: see `watcher.ts`, which has a text of the same for bundles. Reads until the owner's end of the pipe closes, then removes what is left. */
import { createInterface } from 'node:readline'
import { removeName } from './names.js'
import { sweep } from './sweep.js'

// A system that shuts down tells all processes; what must be done here comes after the owner's end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})

/** Names by identity. */
const left = new Map<string, string>()

for await (const line of createInterface({ input: process.stdin })) {
  const [sign, identity, name] = line.split(/ (.*?) (.*)/s) as [string, string, string]
  if (sign === '+') left.set(identity, name)
  else left.delete(identity)
}

for (const [identity, name] of left) {
  try {
    removeName(name, identity)
  } catch {
    // Not this one's to remove any more.
  }
}

// One whose owner was killed between its making and the line that tells of it.
sweep()
