/** Run as `node placed.js PLACE`: opens bytes of a file where another process says they are, says their sum, and adds 1 to each. */
import { writeSync } from 'node:fs'
import { type FilePlace, openFilePlace } from '../../src/memory/mapped-file.js'

const bytes = openFilePlace(JSON.parse(process.argv[2]!) as FilePlace)
writeSync(1, JSON.stringify(bytes.reduce((sum, byte) => sum + byte, 0)))
for (let i = 0; i < bytes.length; i++) bytes[i]! += 1
