/** Which built-in class an object belongs to. */
import { isShared } from '../bytes/window.js'

const BUILTINS = [
  Map,
  Set,
  Date,
  RegExp,
  Error,
  Number,
  String,
  Boolean,
  BigInt,
  ArrayBuffer,
  ...(typeof SharedArrayBuffer === 'function' ? [SharedArrayBuffer] : []),
] as const

/**
 * Name of the built-in class that an object really is: brands are asked, since prototypes can be borrowed
 * (`Object.create(Map.prototype)`, a Proxy) and differ between realms. Other objects: what they call themselves.
 */
export function builtinOf(object: object): string {
  const tag = Object.prototype.toString.call(object).slice(8, -1)
  let posesAs: string | undefined
  for (const known of BUILTINS) {
    const { name } = known
    if (tag !== name && !(object instanceof known)) continue
    if (isBranded(object, name)) return name
    posesAs = name
  }
  // A Proxy of a Map is an instance of Map that keeps its entries to itself.
  return posesAs === undefined ? tag : `would-be ${posesAs}`
}

const mapSize = Object.getOwnPropertyDescriptor(Map.prototype, 'size')?.get as () => number
const setSize = Object.getOwnPropertyDescriptor(Set.prototype, 'size')?.get as () => number
const regexpSource = Object.getOwnPropertyDescriptor(RegExp.prototype, 'source')?.get as () => string
const bufferBytes = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')?.get as () => number

function isBranded(object: object, name: string): boolean {
  try {
    // Each throws for an object that only looks the part.
    if (name === 'Map') mapSize.call(object)
    else if (name === 'Set') setSize.call(object)
    else if (name === 'Date') Date.prototype.getTime.call(object)
    else if (name === 'ArrayBuffer') bufferBytes.call(object)
    else if (name === 'SharedArrayBuffer') return isShared(object)
    else if (name === 'Error') return object instanceof Error || !(Symbol.toStringTag in object)
    else if (name === 'RegExp') regexpSource.call(object)
    else if (name === 'Number') Number.prototype.valueOf.call(object)
    else if (name === 'String') String.prototype.valueOf.call(object)
    else if (name === 'Boolean') Boolean.prototype.valueOf.call(object)
    else if (name === 'BigInt') BigInt.prototype.valueOf.call(object)
    return true
  } catch {
    return false
  }
}
