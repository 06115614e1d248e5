// Text that becomes HTML or SVG. What stands in a template is markup as it is; whatever is put into it is escaped, unless
// it came out of such a template itself. So nothing that a results file says can be a tag, an attribute or a script.

export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Part = Markup | string | number | undefined | readonly Part[]

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: XML has no way to write them
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu

/** A piece of HTML, also well-formed XML if its template is. */
export function html(template: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(template.map((text, i) => text + (i < parts.length ? written(parts[i]) : '')).join(''))
}

/** Markup that was written elsewhere, such as a style sheet of ours; never anything that was read from results. */
export const raw = (text: string): Markup => new Markup(text)

function written(part: Part): string {
  if (part === undefined) return ''
  if (part instanceof Markup) return part.text
  if (typeof part === 'object') return part.map(written).join('')
  return String(part)
    .replace(UNWRITABLE, '\ufffd')
    .replace(/[&<>"']/g, mark => ENTITIES[mark]!)
}
