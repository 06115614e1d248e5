/** The platform's objects that ports carry themselves, by the name of their class: Node's, then the browsers'. */
import { portMaker } from './threads.js'

/** What can only be moved: to put one into a value is to give it away. */
const MOVED = [
  'MessagePort',
  'ReadableStream',
  'WritableStream',
  'TransformStream',
  'FileHandle',
  'OffscreenCanvas',
  'RTCDataChannel',
  'MediaSourceHandle',
  'MediaStreamTrack',
  'MIDIAccess',
  'AbortSignal', // Node's, of a transferableAbortController
]

/** What is cloned, or moved when it is in the transfer list. */
const CLONED = [
  'Blob',
  'File',
  'CryptoKey',
  'SecretKeyObject',
  'PublicKeyObject',
  'PrivateKeyObject',
  'X509Certificate',
  'BlockList',
  'SocketAddress',
  'Histogram',
  'RecordableHistogram',
  'Module', // WebAssembly's
  'Memory', // WebAssembly's, when it is shared
  'DOMException',
  'FileList',
  'FileSystemFileHandle',
  'FileSystemDirectoryHandle',
  'ImageBitmap',
  'ImageData',
  'VideoFrame',
  'AudioData',
  'EncodedVideoChunk',
  'EncodedAudioChunk',
  'CropTarget',
  'RestrictionTarget',
  'RTCCertificate',
  'RTCEncodedVideoFrame',
  'RTCEncodedAudioFrame',
  'DOMRect',
  'DOMRectReadOnly',
  'DOMPoint',
  'DOMPointReadOnly',
  'DOMMatrix',
  'DOMMatrixReadOnly',
  'DOMQuad',
]

const moved: ReadonlySet<unknown> = new Set(MOVED)
const known: ReadonlySet<unknown> = new Set([...MOVED, ...CLONED])

/** Symbols that only Node's own have: what it moves, and its ports. */
const MESSAGING = /^messaging_|^handle_onclose/
const TAGS: ReadonlySet<string> = new Set(['KeyObject', 'WebAssembly.Module', 'WebAssembly.Memory'])

/** Whether a port carries the object itself. */
export function isHost(object: unknown): object is object {
  return hostName(object) !== undefined
}

/** The name of the platform's class that an object is of, or of one that extends it: ports carry that as the platform's. */
function hostName(object: unknown): string | undefined {
  for (
    let base = Object.getPrototypeOf(object) as object | null;
    base !== null;
    base = Object.getPrototypeOf(base) as object | null
  ) {
    const name = base.constructor?.name
    if (name === 'DOMException' && !isExceptionCloned(object as Error, base)) return undefined
    if (name === 'AbortSignal' && !isTransferable(object as object)) return undefined
    if (name !== undefined && known.has(name) && isNative(object as object, name)) return name
  }
  return undefined
}

let areExceptionsCloned: boolean | undefined

/**
 * Node 20 makes an empty object of a DOMException, and browsers refuse those of some classes that extend it (RTCError): they travel
 * as the errors that they are. Only such a class is asked each time.
 */
function isExceptionCloned(exception: Error, prototype: object): boolean {
  areExceptionsCloned ??= isCloned(new DOMException())
  return areExceptionsCloned && (Object.getPrototypeOf(exception) === prototype || isCloned(exception))
}

function isCloned(exception: Error): boolean {
  try {
    return structuredClone(exception) instanceof DOMException
  } catch {
    return false
  }
}

/**
 * Whether Node would move it (a signal of a transferableAbortController, say, or a port that has not moved yet): twice in a list
 * all are refused, but such a one for being there twice.
 */
function isTransferable(object: object): boolean {
  return /duplicate/i.test(refusalOf([object, object]))
}

/** Whether the engine tells what it does not move. */
export function isTelling(): boolean {
  return isTransferable(new ArrayBuffer(1))
}

function isImmovable(object: object): boolean {
  return isTelling() && !isTransferable(object)
}

/** How the engine refuses a list; empty when it does not. */
export function refusalOf(transfer: readonly object[]): string {
  try {
    structuredClone(0, { transfer: transfer as never })
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

/**
 * A class may only have the name: the platform's says so of its objects, or is a global, or is Node's own. The global may be
 * somebody else's (happy-dom puts its MessagePort there), so that it can say yes, not no.
 */
function isNative(object: object, name: string): boolean {
  const tag = Object.prototype.toString.call(object).slice(8, -1)
  if (tag === name || TAGS.has(tag)) return true
  const Class = (globalThis as Record<string, unknown>)[name]
  if (typeof Class === 'function' && object instanceof Class) return true
  for (let base = object; base !== null; base = Object.getPrototypeOf(base) as object) {
    if (Object.getOwnPropertySymbols(base).some(({ description = '' }) => MESSAGING.test(description)))
      return true
  }
  return false
}

interface Movable {
  readonly locked?: boolean
  readonly readable?: { readonly locked?: boolean }
  readonly writable?: { readonly locked?: boolean }
  readonly fd?: number
}

/** What an object says of why it cannot move now: it is being read or written, or closed, or only stands for a port. */
export function obstacleOf(object: object): string | undefined {
  // The platform knows it not from a port until it is posted, and then does not say which it was.
  if ('drained' in object) return 'a wrapped port cannot travel; wanted the port that it wraps'
  const { locked, readable, writable, fd } = object as Movable
  const isHeld = locked === true || readable?.locked === true || writable?.locked === true || fd === -1
  return isHeld ? 'a stream is locked, or a file is closed' : undefined
}

/** Whether it is known that an object which must move does not: Node is asked, where it tells. */
export function isStuck(object: object): boolean {
  if (!mustMove(object)) return false
  if (obstacleOf(object) !== undefined || isMovedPort(object)) return true
  return isImmovable(object)
}

/** The same of an object in a transfer list, which may be anything. */
export function isRefused(item: object): boolean {
  return isHost(item) ? isStuck(item) : isImmovable(item)
}

/** Whether it is a port of the platform, of whatever realm. */
export function isPort(object: object): boolean {
  return hostName(object) === 'MessagePort'
}

/** A port that has moved, none where that says nothing; and how a list is refused in which it stands behind one that has not. */
let asked: { readonly port: object | undefined; readonly refusal: string } | undefined

/**
 * Whether it is a port that has moved already, where the engine tells before it is too late: Chromium empties all memory in a list
 * before it looks at the ports, but looks at all of them before it moves one, and says which has moved.
 */
export function isMovedPort(object: object): boolean {
  asked ??= movedPort()
  const { port, refusal } = asked
  return port !== undefined && isPort(object) && refusalOf([object, port]) !== refusal
}

function movedPort(): NonNullable<typeof asked> {
  const Ports = portMaker()
  if (Ports === undefined) return { port: undefined, refusal: '' }
  const { port1: port, port2: other } = new Ports()
  const { port1: fresh } = new Ports()
  for (const one of [port, other]) refusalOf([one])
  const refusal = refusalOf([fresh, port])
  // Asked twice: others move what stands before the one that they refuse.
  const tells = refusal === refusalOf([fresh, port]) && refusal !== refusalOf([other, port])
  fresh.close()
  return { port: tells ? port : undefined, refusal }
}

/** Whether a port carries the object only if it is in the transfer list. */
export function mustMove(host: object): boolean {
  return moved.has(hostName(host))
}
