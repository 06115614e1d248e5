/**
 * One spec, or those whose path matches: `node dist/spec/one.js 'views\.spec'`. As uvu's own command, which is built on
 * `new Function` and so cannot run where code generation is forbidden.
 */
import { fileURLToPath } from 'node:url'
import { parse } from 'uvu/parse'
import { run } from 'uvu/run'

const pattern = new RegExp(process.argv[2] ?? /\.spec\.js$/)
const { suites } = await parse(fileURLToPath(new URL('.', import.meta.url)), pattern)
// A pattern without an end matches the declarations beside a spec as well.
await run(suites.filter(({ name }) => name.endsWith('.js')))
// Rows that failed may have left ports and servers open, and have said what is wrong; only one that passed must end by itself.
if (process.exitCode) process.stdout.write('', () => process.exit())
