import { readFile } from 'node:fs/promises'
import { isFrame, type Layout, partsOf } from '../frame/header.js'
import { unpack } from '../frame/index.js'
import { readLayout } from '../frame/unpack.js'
import { inspect } from '../index.js'
import { count, Lines, reasonOf } from '../wire/lines.js'

/** Frames of one file that are listed. */
const MOST_FRAMES = 100

/**
 * Lists a file that holds frames, one after the other, or `meta` alone, whose buffers are elsewhere, so that only their
 * lengths are shown.
 */
export async function inspectFile(path: string): Promise<string> {
  const bytes = await readFile(path)
  return isFrame(bytes) ? listFrames(bytes) : inspect({ meta: bytes, buffers: [] })
}

function listFrames(file: Uint8Array): string {
  const listings: string[] = []
  for (let at = 0; at < file.length; ) {
    const rest = file.subarray(at)
    if (listings.length === MOST_FRAMES) {
      listings.push(`… ${count(rest.length, 'more byte')}`)
      break
    }
    const { text, frameBytes } = listFrame(rest, at)
    listings.push(text)
    at += frameBytes
  }
  return listings.join('\n')
}

/** A frame at the start of the bytes, and how many it has: all of them when that cannot be found out. */
function listFrame(bytes: Uint8Array, at: number): { text: string; frameBytes: number } {
  const lines = new Lines()
  let layout: Layout
  try {
    layout = readLayout(bytes, undefined, false)
  } catch (error) {
    lines.title(`outband frame at byte ${at}`)
    lines.title(`! not a frame: ${reasonOf(error)}`)
    return { text: lines.toString(), frameBytes: bytes.length }
  }
  const { headBytes, metaBytes, frameBytes, lengths, checksums } = layout
  const title = `outband frame at byte ${at}: ${count(frameBytes, 'byte')}, ${count(lengths.length, 'buffer')}`
  lines.title(checksums ? `${title}, checksums` : title)
  lines.part(0, `head, ${count(headBytes, 'byte')}`)
  let part = 0
  for (const [start, byteLength] of partsOf(layout)) {
    if (lines.isFull(start, count(lengths.length + 1 - part, 'more part'))) break
    const name = part === 0 ? 'metadata' : `buffer ${part - 1}`
    const checksum = checksums ? `, checksum 0x${checksums[part]!.toString(16).padStart(8, '0')}` : ''
    lines.add(start, 0, `${name}, ${count(byteLength, 'byte')}${checksum}`)
    part++
  }
  lines.add(frameBytes, 0, 'end')
  let buffers: readonly Uint8Array[] | undefined
  try {
    buffers = unpack(bytes.subarray(0, frameBytes)).buffers
  } catch (error) {
    lines.title(`! ${reasonOf(error)}`)
  }
  const meta = bytes.subarray(headBytes, headBytes + metaBytes)
  return { text: `${lines.toString()}\n${inspect(buffers ? { meta, buffers } : meta)}`, frameBytes }
}
