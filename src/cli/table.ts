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
  return count < 1000 ? `${count} B` : scaled(count, ['B', 'kB', 'MB', 'GB'])
}

/** Writes nanoseconds as people read them: `12.3 µs`. */
export function duration(ns: number): string {
  return scaled(ns, ['ns', 'µs', 'ms', 's'])
}

function scaled(value: number, units: readonly string[]): string {
  // Rounded first, so that 999.9 of one unit becomes 1.00 of the next.
  const rounded = Number(value.toPrecision(3))
  const power = Math.max(0, Math.min(units.length - 1, Math.floor(Math.log10(rounded) / 3)))
  return `${(rounded / 1000 ** power).toPrecision(3)} ${units[power]}`
}

const width = (text: string): number => stripVTControlCharacters(text).length
