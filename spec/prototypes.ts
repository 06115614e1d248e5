/** What a hostile message would have to change to reach code that never saw it. */

const GUARDED = [
  Object,
  Function,
  Array,
  Map,
  Set,
  Date,
  RegExp,
  Error,
  Promise,
  String,
  Number,
  BigInt,
  ArrayBuffer,
  DataView,
  Uint8Array,
  Object.getPrototypeOf(Uint8Array) as typeof Uint8Array,
  Float64Array,
]

function fingerprint(object: object): unknown[] {
  const own = Object.getOwnPropertyDescriptors(object)
  // `stackTraceLimit` is a setting, which decode and specs turn down and up again.
  const keys = Reflect.ownKeys(own).filter(key => key !== 'stackTraceLimit')
  return keys.flatMap(key => {
    const { value, get, set } = (own as Record<PropertyKey, PropertyDescriptor>)[key as string]!
    return [key, value, get, set]
  })
}

/** Looks at the built-in prototypes now; the result says what has changed about them since. */
export function canaries(): () => string | undefined {
  const objects = GUARDED.flatMap(guarded => [guarded, guarded.prototype as object])
  const before = objects.map(fingerprint)
  const globals = Object.getOwnPropertyNames(globalThis).length
  return () => {
    for (const [i, object] of objects.entries()) {
      const now = fingerprint(object)
      const wanted = before[i]!
      const isSame = now.length === wanted.length && now.every((part, at) => Object.is(part, wanted[at]))
      if (!isSame) return `${GUARDED[i >> 1]!.name}${i % 2 ? '.prototype' : ''} was changed`
    }
    return Object.getOwnPropertyNames(globalThis).length === globals ? undefined : 'a global appeared'
  }
}
