/**
 * One spec, or those whose path matches: `node dist/spec/one.js 'views\.spec'`. As uvu's own command, which is built on
 * `new Function` and so cannot run where code generation is forbidden; and which asks every file of the build what it is.
 */
import { join } from 'node:path'
import { run } from 'uvu/run'
import { folder, specsLike } from './paths.js'

const pattern = new RegExp(process.argv[2] ?? '')
await run(specsLike(pattern).map(name => ({ name, file: join(folder, name) })))
// Rows that failed may have left ports and servers open, and have said what is wrong; only one that passed must end by itself.
if (process.exitCode) process.stdout.write('', () => process.exit())
