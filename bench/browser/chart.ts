/** Two bars, and two strips of frames, as SVG. */
import type { Result } from './contest.js'
import { FrameWatch } from './frames.js'
import { time } from './units.js'

const NAMESPACE = 'http://www.w3.org/2000/svg'
const ROW = 44
const STRIP = 84

interface Node {
  textContent: string | null
  readonly clientWidth: number
  setAttribute(name: string, value: string): void
  append(...children: Node[]): void
  replaceChildren(...children: Node[]): void
}
const { document } = globalThis as unknown as {
  document: { createElementNS(namespace: string, name: string): Node }
}

function shape(name: string, attributes: Readonly<Record<string, string | number>>, text?: string): Node {
  const node = document.createElementNS(NAMESPACE, name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value))
  if (text !== undefined) node.textContent = text
  return node
}

function picture(into: Node, height: number, label: string): { svg: Node; width: number } {
  const width = Math.max(280, into.clientWidth)
  const svg = shape('svg', { viewBox: `0 0 ${width} ${height}`, height, role: 'img', 'aria-label': label })
  into.replaceChildren(svg)
  return { svg, width }
}

/** Time per message: shorter is better. */
export function drawTimes(into: Node, results: readonly Result[]): void {
  const label = results.map(({ name, medianMs }) => `${name} ${time(medianMs)}`).join(', ')
  const { svg, width } = picture(into, results.length * ROW, label)
  const longest = Math.max(...results.map(({ medianMs }) => medianMs))
  for (const [row, { name, medianMs }] of results.entries()) {
    const y = row * ROW
    const length = Math.max(2, (medianMs / longest) * width)
    svg.append(
      shape('text', { x: 0, y: y + 14 }, name),
      shape('text', { x: width, y: y + 14, 'text-anchor': 'end', class: 'value' }, time(medianMs)),
      shape('rect', { x: 0, y: y + 20, width: length, height: 16, rx: 2, class: name }),
    )
  }
}

/** A bar for each frame, as high as the gap before it; what took two intervals or more is marked. */
export function drawFrames(into: Node, results: readonly Result[]): void {
  const { intervalMs } = FrameWatch
  const label = results.map(({ name, frames }) => `${name}: ${frames.dropped} frames dropped`).join(', ')
  const { svg, width } = picture(into, results.length * STRIP, label)
  // One scale for both, and high enough that a page at rest does not look busy.
  const highest = Math.max(intervalMs * 4, ...results.map(({ frames }) => frames.longestMs))
  const total = Math.max(...results.map(({ frames }) => frames.gaps.reduce((sum, gap) => sum + gap, 0)))
  for (const [row, { name, frames }] of results.entries()) {
    const base = row * STRIP + STRIP - 14
    const height = STRIP - 38
    const { dropped, longestMs, gaps } = frames
    const words = `${dropped} dropped, longest ${time(longestMs)}`
    svg.append(
      shape('text', { x: 0, y: row * STRIP + 14 }, name),
      shape('text', { x: width, y: row * STRIP + 14, 'text-anchor': 'end', class: 'value' }, words),
    )
    let x = 0
    for (const gap of gaps) {
      const wide = (gap / total) * width
      const high = Math.max(1, (gap / highest) * height)
      const isLate = Math.round(gap / intervalMs) > 1
      const bar = { x, y: base - high, width: Math.max(0.5, wide - 1), height: high }
      svg.append(shape('rect', { ...bar, class: isLate ? 'late' : name }))
      x += wide
    }
    svg.append(shape('line', { x1: 0, x2: width, y1: base + 0.5, y2: base + 0.5, class: 'axis' }))
  }
}

export type { Node as SvgNode }
