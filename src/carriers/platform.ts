/** The platform's objects that ports carry themselves, by the name of their class: Node's, then the browsers'. */

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
  'FileList',
  'FileSystemFileHandle',
  'FileSystemDirectoryHandle',
  'ImageBitmap',
  'ImageData',
  'VideoFrame',
  'AudioData',
  'EncodedVideoChunk',
  'EncodedAudioChunk',
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

const MESSAGING = /^messaging_/
const TAGS: ReadonlySet<string> = new Set(['KeyObject', 'WebAssembly.Module'])

/** Whether a port carries the object itself. */
export function isHost(object: unknown): object is object {
  const prototype = Object.getPrototypeOf(object) as object | null
  const name = prototype?.constructor?.name
  return name !== undefined && known.has(name) && isNative(object as object, name)
}

/** A class may only have the name: the platform's says so of its objects, or is a global, or is Node's own. */
function isNative(object: object, name: string): boolean {
  const tag = Object.prototype.toString.call(object).slice(8, -1)
  if (tag === name || TAGS.has(tag)) return true
  const Class = (globalThis as Record<string, unknown>)[name]
  if (typeof Class === 'function') return object instanceof Class
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

/** Whether an object says that it cannot move now: a stream that is being read or written, a file that is closed. */
export function isHeld(object: object): boolean {
  const { locked, readable, writable, fd } = object as Movable
  return locked === true || readable?.locked === true || writable?.locked === true || fd === -1
}

/** Whether a port carries the object only if it is in the transfer list. */
export function mustMove(host: object): boolean {
  return moved.has(host.constructor?.name)
}
