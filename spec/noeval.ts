/**
 * The whole suite where `new Function` throws: `node --disallow-code-generation-from-strings dist/spec/noeval.js`.
 * uvu's own command is built on `new Function`, so it cannot run there.
 */
import { fileURLToPath } from 'node:url'
import { parse } from 'uvu/parse'
import { run } from 'uvu/run'

try {
  new Function('')
  throw new Error('noeval: code generation is allowed; wanted node --disallow-code-generation-from-strings')
} catch (error) {
  if (!(error instanceof EvalError)) throw error
}

const { suites } = await parse(fileURLToPath(new URL('.', import.meta.url)), /\.spec\.js$/)
await run(suites)
