/**
 * What writes the fields of objects of one shape: a function made for it, where V8 knows where each field lies. A field is
 * first asked whether it is of the kind that it was when the function was made, and is then written without a call of the
 * dispatch, which takes what is neither text, a number nor a constant: a small call 265 instead of 310 ns, cars.json a
 * quarter less, records and football.json an eighth (measured). And what recognises such objects, in the same way.
 */
import { traced } from '../value/trace.js'
import { Op } from '../wire/ops.js'
import { encodeNumber } from './scalars.js'
import type { ShapeNode } from './shapes.js'
import type { Walk } from './walk.js'

/** Writes the values of an object whose keys are known. */
export type Fields = (walk: Walk, object: Record<string, unknown>) => void

/** Fields that one function writes: V8 does not optimise one of 60 kB, which is some 240 (1000 columns take 3 ms in place of 23). */
const MOST_STEPS = 64

/** Made for objects with values like these under their keys; undefined where the host forbids generated code. */
export function generateFields(nodes: readonly ShapeNode[], like: readonly unknown[]): Fields | undefined {
  const steps = nodes.map(({ key }, i) => `i=${i};v=o[${JSON.stringify(key)}];${stepFor(like[i], i)}`)
  const parts: (Fields | undefined)[] = []
  for (let i = 0; i < steps.length; i += MOST_STEPS) {
    const part = steps.slice(i, i + MOST_STEPS).join('')
    const body = `return function(w,o){let i=0,v;try{${part}}catch(e){throw traced(e,n[i].key)}}`
    parts.push(generated({ n: nodes, traced, number: encodeNumber }, body))
  }
  if (parts.length < 2 || parts[0] === undefined) return parts[0]
  return (walk, object) => {
    for (let i = 0; i < parts.length; i++) (parts[i] as Fields)(walk, object)
  }
}

/** The function that this code returns, where these names are known; undefined where the host forbids generated code. */
function generated<Made>(known: Readonly<Record<string, unknown>>, body: string): Made | undefined {
  try {
    return new Function(...Object.keys(known), body)(...Object.values(known)) as Made
  } catch {
    return undefined
  }
}

/** Whether an object is plain and has the keys of a shape, in its order. */
export type Test = (object: object) => boolean

/** Whether this engine says by `__proto__` what it says by `Object.getPrototypeOf`: it may be told not to (`--disable-proto`). */
function hasProto(): boolean {
  try {
    return Reflect.get({}, '__proto__') === Object.prototype
  } catch {
    return false
  }
}

const canTest = hasProto()

/**
 * In a function for one shape V8 knows an object's prototype by its hidden class, and `Object.getPrototypeOf` is a call of 7 ns
 * each time: documents take 2 to 5 % less to encode (measured). Undefined where the host forbids generated code, or hides
 * `__proto__`.
 */
export function generateTest(names: readonly string[]): Test | undefined {
  if (!canTest || names.includes('__proto__')) return undefined
  const body = `return function(o){if(o.__proto__!==p)return false;let i=0;for(const k in o)if(k!==n[i++])return false;return i===${names.length}}`
  return generated({ p: Object.prototype, n: names }, body)
}

const BYTE = 'w.bytes[w.pos++]='
/** How the kinds of value that most fields hold are known, and written where there is room. */
const KINDS: Readonly<Record<string, readonly [isLike: string, write: string]>> = {
  string: ["typeof v==='string'", 'w.texts.write(w,v)'],
  number: ["typeof v==='number'", `if(v>0&&v<${Op.INTS}&&(v|0)===v)${BYTE}v;else number(w,v)`],
  constant: ['v===null||v===true||v===false', `${BYTE}v===null?${Op.NULL}:v?${Op.TRUE}:${Op.FALSE}`],
}

/** Code that writes `v`, the value under the key of node `i`: what it probably is comes first. */
function stepFor(like: unknown, i: number): string {
  const other = `w.value(v,n[${i}])`
  if (kindOf(like) === undefined) return `${other};`
  const names = [kindOf(like), ...Object.keys(KINDS).filter(name => name !== kindOf(like))]
  const shortcuts = names.map(name => KINDS[name as string]).map(([is, write]) => `if(${is}){${write}}else `)
  return `if(w.pos>=w.room)${other};else ${shortcuts.join('')}${other};`
}

function kindOf(like: unknown): string | undefined {
  if (like === null || typeof like === 'boolean') return 'constant'
  return Object.hasOwn(KINDS, typeof like) ? typeof like : undefined
}
