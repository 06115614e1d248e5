/**
 * Custom types for small objects of the web platform, which structured clone carries over ports at best. Each is rebuilt
 * as an instance of the receiver's class. Memory: an ImageData's pixels travel as any view does (borrow).
 */
import { type CustomType, defineType } from '../registry.js'
import { define } from '../value/properties.js'

/** What stands for an ImageData where there is no such class: in Node, for one. */
export interface Picture {
  /** RGBA, row by row from the top left. */
  readonly data: Uint8ClampedArray
  /** Pixels. */
  readonly width: number
  readonly height: number
  readonly colorSpace: string
}

type Class<T> = abstract new (...args: never[]) => T

/** The type of a class; where the engine has none there is nothing to send, and what arrives is made by `rebuild` all the same. */
export function typeOfGlobal<T extends object, P>(
  tag: string,
  of: Class<T> | undefined,
  reduce: (value: T) => P,
  rebuild: (parts: P) => T,
): CustomType {
  return typeof of === 'function'
    ? defineType({ class: of, tag, reduce, rebuild })
    : defineType<T, P>({ is: () => false, tag, reduce, rebuild })
}

// Read once, so that a class which the engine lacks is `undefined` and no ReferenceError.
const web = globalThis as Partial<typeof globalThis> & {
  ImageData?: new (data: Uint8ClampedArray, width: number, height: number, settings?: object) => Picture
}

/** A URL, as its `href`. */
export const urlType: CustomType = typeOfGlobal(
  'URL',
  web.URL,
  url => url.href,
  href => new URL(expectText(href)),
)

/** URLSearchParams, as text. Those of a URL arrive as their own. */
export const urlSearchParamsType: CustomType = typeOfGlobal(
  'URLSearchParams',
  web.URLSearchParams,
  params => String(params),
  text => new URLSearchParams(expectText(text)),
)

/** Headers, as a list of names and values, each `set-cookie` for itself. What made them read-only does not travel. */
export const headersType: CustomType = typeOfGlobal(
  'Headers',
  web.Headers,
  headers => [...headers] as [string, string][],
  list => new Headers(list),
)

/** An ImageData, or where there is no such class a `Picture` of the same fields. */
export const imageDataType: CustomType = typeOfGlobal(
  'ImageData',
  web.ImageData,
  ({ data, width, height, colorSpace }): Picture => ({ data, width, height, colorSpace }),
  ({ data, width, height, colorSpace }) => {
    const { ImageData } = web
    if (ImageData !== undefined) return new ImageData(data, width, height, { colorSpace })
    const isSized = Number.isInteger(width) && width > 0 && Number.isInteger(height)
    const isWhole = data instanceof Uint8ClampedArray && data.length === width * height * 4
    if (!isSized || !isWhole) throw new TypeError('wanted RGBA of width by height')
    return { data, width, height, colorSpace: expectText(colorSpace) }
  },
)

/** A DOMException: name (and so its code), message, stack, its cause if it has one, and fields of its own, as other errors have them. */
export const domExceptionType: CustomType = typeOfGlobal(
  'DOMException',
  web.DOMException,
  error => {
    const fields = Object.entries(error).filter(([key]) => key !== 'stack' && key !== 'cause')
    return {
      name: error.name,
      message: error.message,
      ...(error.stack !== undefined && { stack: error.stack }),
      ...(Object.hasOwn(error, 'cause') && { cause: (error as { cause?: unknown }).cause }),
      ...(fields.length > 0 && { fields: Object.fromEntries(fields) }),
    }
  },
  parts => {
    const error = new DOMException(expectText(parts.message), expectText(parts.name))
    if (parts.stack !== undefined) define(error, 'stack', expectText(parts.stack), false)
    if (Object.hasOwn(parts, 'cause')) define(error, 'cause', parts.cause, false)
    for (const [key, value] of Object.entries(parts.fields ?? {}))
      if (key !== 'stack') define(error, key, value, true)
    return error
  },
)

/** All of these, for `registry(...webTypes)`. */
export const webTypes: readonly CustomType[] = Object.freeze([
  urlType,
  urlSearchParamsType,
  headersType,
  imageDataType,
  domExceptionType,
])

/** Parts come from a peer, and a class of the platform makes text of anything. */
export function expectText(part: unknown): string {
  if (typeof part !== 'string') throw new TypeError('wanted text')
  return part
}
