// A process that serves the path it is told, and says how that went.

import { serve } from '../../src/socket/index.js'

process.on('message', (path: string) => {
  serve(path, () => {}).then(
    () => process.send!('listening'),
    (error: NodeJS.ErrnoException) => process.send!(error.code),
  )
})
process.send!('ready')
