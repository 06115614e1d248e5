/** The door of `outband/file`: exports only. Node alone. */
export { type DumpOptions, dump } from './dump.js'
export { type FrameFile, type LoadOptions, load, openFile } from './frame-file.js'
export { type Log, type LogOptions, openLog } from './log.js'
export type { FilePath } from './path.js'
export type { Recovery } from './recovery.js'
