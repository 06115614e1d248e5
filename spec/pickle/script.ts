import { fileURLToPath } from 'node:url'

/** Where a script of ours for Python is. */
export const scriptPath = (name: string): string =>
  fileURLToPath(new URL(`../../../fixtures/python/${name}`, import.meta.url))
