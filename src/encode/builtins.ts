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
 * (`Object.create(Map.prototype)`) and differ between realms. Other objects: what they call themselves.
 */
export function builtinOf(object: object): string {
  const tag = Object.prototype.toString.call(object).slice(8, -1)
  for (const known of BUILTINS) {
    const { name } = known
    if (tag !== name && !(object instanceof known)) continue
    return isBranded(object, name) ? name : 'Object'
  }
  return tag
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
    else if (name === 'SharedArrayBuffer') return isShared(object as ArrayBufferLike)
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
