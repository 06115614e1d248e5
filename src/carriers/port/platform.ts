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

/** Whether a port carries the object itself. One of a class that only has the name is cloned as any other. */
export function isHost(object: unknown): object is object {
  return known.has((object as object).constructor?.name)
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
