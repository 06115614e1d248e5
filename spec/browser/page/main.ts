/** The page: declares every check, then runs them. `?only=` names a part, `?skip=` one to leave out. */
import { runAll } from './checks.js'
import { dom } from './dom.js'

const only = new URL(dom.location.href).searchParams.get('only')
const skip = new URL(dom.location.href).searchParams.get('skip')
const isPart = (name: string) => (only === null || only === name) && skip !== name

try {
  if (isPart('codec')) {
    await (await import('./codec.js')).declareGolden()
    await import('./ready-made.js')
  }
  if (isPart('streams')) await import('./streams.js')
  if (isPart('ports')) {
    await import('./ports.js')
    await import('./channels.js')
    await import('./rings.js')
  }
  if (isPart('websockets')) await import('./websockets.js')
} finally {
  await runAll()
}
