/** What a page or picture is made of, read strictly: every tag is closed, every attribute quoted, every mark written as an entity. */

export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: Element[]
  /** All text in it, its children's too. */
  text: string
}

const TOKEN =
  /<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|((?:[^<>&]|&(?:amp|lt|gt|quot|#39);)+)/y

/** @throws Error where the text is not well-formed */
export function read(text: string): Element {
  const root: Element = { name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  let at = text.startsWith('<!doctype html>') ? '<!doctype html>'.length : 0
  while (at < text.length) {
    TOKEN.lastIndex = at
    const found = TOKEN.exec(text)
    if (!found) throw new Error(`not well-formed at ${at}: ${text.slice(at - 40, at + 40)}`)
    at = TOKEN.lastIndex
    const [, closing, name, attributes, alone, words] = found
    if (words !== undefined) for (const element of open) element.text += plain(words)
    else if (closing) close(open, name!)
    else {
      const element = { name: name!, attributes: attributesOf(attributes!), children: [], text: '' }
      open.at(-1)!.children.push(element)
      if (!alone) open.push(element)
    }
  }
  if (open.length > 1) throw new Error(`${open.at(-1)!.name} is not closed`)
  return root
}

function close(open: Element[], name: string): void {
  const last = open.pop()!
  if (last.name !== name) throw new Error(`${last.name} is closed by ${name}`)
}

function attributesOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([\w:-]+)="([^"]*)"/g)].map(
    ([, key, value]) => [key!, plain(value!)] as const,
  )
  if (new Set(pairs.map(([key]) => key)).size < pairs.length)
    throw new Error(`twice the same attribute:${text}`)
  return Object.fromEntries(pairs)
}

const MARKS: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
const plain = (text: string): string => text.replace(/&([^;]+);/g, (_, name) => MARKS[name]!)

/** Every element in it, itself too. */
export function* within(element: Element): Generator<Element> {
  yield element
  for (const child of element.children) yield* within(child)
}

/** Those of a name, and of a class where one is given. */
export function all(element: Element, name: string, kind?: string): Element[] {
  return [...within(element)].filter(
    one => one.name === name && (kind === undefined || one.attributes.class?.split(' ').includes(kind)),
  )
}
