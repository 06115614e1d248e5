/**
 * Blobs and Files: their bytes are to be had only asynchronously, and `encode` does not wait. So they are read first, by
 * `readBlobs`, and then travel as any other memory, also where no carrier moves a Blob: to another process, into a file.
 */
import { type EncodeOptions, encode } from '../codec.js'
import { OutbandError } from '../errors.js'
import { type CustomType, type Registry, registry } from '../registry.js'
import { expectText, typeOfGlobal, webTypes } from './web.js'

interface BlobParts {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly type: string
}
interface FileParts extends BlobParts {
  readonly name: string
  /** Milliseconds since 1970. */
  readonly lastModified: number
}

/** Bytes of those that were read. A Blob never changes, so they stay true as long as it lives. */
const read = new WeakMap<Blob, Uint8Array<ArrayBuffer>>()
/** While `readBlobs` looks for Blobs: those it found. */
let found: Set<Blob> | undefined

function partsOf(blob: Blob): BlobParts {
  const bytes = read.get(blob)
  if (bytes === undefined && found === undefined) {
    throw new OutbandError('UNSUPPORTED', 'encode: a Blob whose bytes were not read; call readBlobs first')
  }
  found?.add(blob)
  return { bytes: bytes ?? new Uint8Array(0), type: blob.type }
}

function expectBytes(bytes: unknown): Uint8Array<ArrayBuffer> {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('wanted bytes')
  return bytes as Uint8Array<ArrayBuffer>
}

/** A Blob, once `readBlobs` has read it. Memory: encode borrows the bytes that were read, the Blob made of them is a copy. */
export const blobType: CustomType = typeOfGlobal(
  'Blob',
  globalThis.Blob as typeof Blob | undefined,
  partsOf,
  ({ bytes, type }) => new Blob([expectBytes(bytes)], { type: expectText(type) }),
)

/** A File, once `readBlobs` has read it; a Blob where there is no such class. */
export const fileType: CustomType = typeOfGlobal(
  'File',
  globalThis.File as typeof File | undefined,
  (file): FileParts => ({ ...partsOf(file), name: file.name, lastModified: file.lastModified }),
  ({ bytes, type, name, lastModified }) => {
    const parts = [expectBytes(bytes)]
    if (typeof File !== 'function') return new Blob(parts, { type: expectText(type) }) as File
    return new File(parts, expectText(name), { type: expectText(type), lastModified: Number(lastModified) })
  },
)

/** Both, for `registry(...blobTypes)`. Channels over ports move Blobs themselves and want none of these. */
export const blobTypes: readonly CustomType[] = Object.freeze([blobType, fileType])

/** All types of the platform, for a call that names none. */
let allTypes: Registry | undefined

/**
 * Reads the bytes of all Blobs and Files in the value, so that `encode` or `send` can follow; gives back the value itself.
 * They are found as `encode` would find them, with the same options: getters and `reduce` run once more. Their bytes stay in
 * memory (own) as long as the Blob does.
 * @throws what `encode` throws for the rest of the value, and the error of a Blob that cannot be read
 */
export async function readBlobs<T>(value: T, options: EncodeOptions = {}): Promise<T> {
  allTypes ??= registry(...webTypes, ...blobTypes)
  for (const blob of blobsIn(value, { types: allTypes, ...options })) {
    if (!read.has(blob)) read.set(blob, new Uint8Array(await blob.arrayBuffer()))
  }
  return value
}

function blobsIn(value: unknown, options: EncodeOptions): Iterable<Blob> {
  const outer = found
  found = new Set()
  try {
    encode(value, options)
    return found
  } finally {
    found = outer
  }
}
