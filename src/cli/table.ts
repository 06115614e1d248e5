import { stripVTControlCharacters } from 'node:util'

export interface Column {
  readonly head: string
  readonly align?: 'left' | 'right'
}

export type Paint = Readonly<Record<'bold' | 'dim' | 'green' | 'red' | 'yellow', (text: string) => string>>

/** Lays rows out in aligned columns; a cell may carry colour, which takes no width. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): string {
  const lines = [columns.map(column => paint.bold(column.head)), ...rows]
  const widths = columns.map((_, i) => Math.max(...lines.map(line => width(line[i] ?? ''))))
  return lines
    .map(line =>
      columns
        .map((column, i) => {
          const cell = line[i] ?? ''
          const fill = ' '.repeat((widths[i] ?? 0) - width(cell))
          return column.align === 'right' ? fill + cell : cell + fill
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Colours for a stream: plain text unless it is a terminal and NO_COLOR is unset or empty. */
export function paintFor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  const colours = stream.isTTY === true && !env.NO_COLOR
  const style = (open: number, close: number) => (text: string) =>
    colours ? `\u001b[${open}m${text}\u001b[${close}m` : text
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    green: style(32, 39),
    red: style(31, 39),
    yellow: style(33, 39),
  }
}

/** Writes a byte count as people read it: `1.60 MB`. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`
  const power = Math.min(3, Math.floor(Math.log10(count) / 3))
  return `${(count / 1000 ** power).toPrecision(3)} ${['B', 'kB', 'MB', 'GB'][power]}`
}

/** Writes nanoseconds as people read them: `12.3 µs`. */
export function duration(ns: number): string {
  if (ns < 1000) return `${ns.toPrecision(3)} ns`
  const power = Math.min(3, Math.floor(Math.log10(ns) / 3))
  return `${(ns / 1000 ** power).toPrecision(3)} ${['ns', 'µs', 'ms', 's'][power]}`
}

const width = (text: string): number => stripVTControlCharacters(text).length
