/**
 * Reads the imports of a TypeScript or JavaScript file without a parser. Enough for sources in this house's format:
 * a statement starts its line, and a regular expression that holds a quote or `//` would have to be built from a string.
 */

export interface Import {
  readonly specifier: string
  /** Gone after compilation. */
  readonly isType: boolean
}

const quoted = String.raw`'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\x60(?:\\.|[^\x60\\])*\x60`
const comment = String.raw`\/\*[\s\S]*?\*\/|\/\/[^\n]*`
const quotedOrComment = new RegExp(`(${quoted})|${comment}`, 'g')

const statement = /^(?:import|export)\s+(type\s)?(?:[\w$*{},\s]+?\sfrom\s+)?(['"])([^'"]+)\2/gm
const call = /\b(?:import|require)\(\s*(['"])([^'"]+)\1\s*\)/g

export function importsOf(source: string): Import[] {
  const text = withoutComments(source)
  return [
    ...[...text.matchAll(statement)].map(match => ({ specifier: match[3]!, isType: match[1] !== undefined })),
    ...[...text.matchAll(call)].map(match => ({ specifier: match[2]!, isType: false })),
  ]
}

export function withoutComments(source: string): string {
  return source.replace(quotedOrComment, (_, text?: string) => text ?? '')
}

/** Only what runs: neither comments nor strings. */
export function codeOf(source: string): string {
  return source.replace(quotedOrComment, (_, text?: string) => (text === undefined ? '' : "''"))
}

/** 'apache-arrow' of 'apache-arrow/vector', '@types/node' of '@types/node/fs', undefined of './x.js' and 'node:fs'. */
export function packageOf(specifier: string): string | undefined {
  if (/^(?:\.|node:)/.test(specifier)) return undefined
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
