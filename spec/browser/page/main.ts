/** The page: declares every check, then runs them. `?only=` names a part. */
import { runAll } from './checks.js'
import { dom } from './dom.js'

const only = new URL(dom.location.href).searchParams.get('only')

try {
  if (only === null || only === 'codec') await (await import('./codec.js')).declareGolden()
  if (only === null || only === 'streams') await import('./streams.js')
  if (only === null || only === 'ports') {
    await import('./ports.js')
    await import('./channels.js')
  }
} finally {
  await runAll()
}
