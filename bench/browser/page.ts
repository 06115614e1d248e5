/** The page: a form, one contest at a time, and what came of it. */
import { workloads } from '../../fixtures/workloads.js'
import { dom } from '../../spec/browser/page/dom.js'
import { drawFrames, drawTimes, type SvgNode } from './chart.js'
import { contest, type Mode, type Result } from './contest.js'
import { FrameWatch } from './frames.js'
import { memoryOf } from './message.js'
import { bytes, percent, perSecond, time, times } from './units.js'

interface Control extends SvgNode {
  value: string
  disabled: boolean
  hidden: boolean
  checked: boolean
  className: string
  addEventListener(type: string, listener: (event: { preventDefault(): void }) => void): void
}
const { document, addEventListener } = globalThis as unknown as {
  document: {
    getElementById(id: string): Control
    createElement(name: string): Control
    querySelector(selector: string): Control
  }
  addEventListener(type: string, listener: () => void): void
}

/** What takes a page no longer than a glance, and needs no table library. */
const HERE = workloads.filter(
  ({ name, kind }) =>
    (kind === 'message' || kind === 'document' || kind === 'bytes') &&
    !['tensor-1GiB', 'many'].includes(name),
)

const element = (id: string): Control => document.getElementById(id)
const chosen = () => HERE.find(({ name }) => name === element('workload').value)!
const radio = (mode: Mode): Control => document.querySelector(`input[value="${mode}"]`)
const modeNow = (): Mode => (radio('transfer').checked ? 'transfer' : 'copy')

function cell(kind: 'th' | 'td', text: string): Control {
  const node = document.createElement(kind)
  node.textContent = text
  return node
}

function row(kind: 'th' | 'td', title: string, texts: readonly string[]): Control {
  const node = document.createElement('tr')
  node.append(cell('th', title), ...texts.map(text => cell(kind, text)))
  return node
}

function table(results: readonly Result[], byteLength: number, way: string): void {
  const head = document.createElement('thead')
  const body = document.createElement('tbody')
  const names = results.map(({ name }) => name)
  head.append(row('th', '', names))
  const line = (title: string, tell: (result: Result) => string) => row('td', title, results.map(tell))
  body.append(
    line(`time of a message, ${way}`, ({ medianMs }) => time(medianMs)),
    line('spread', ({ spread }) => `± ${percent(spread)}`),
    line('of it, the call itself', ({ busyMs }) => time(busyMs)),
    line('messages without a pause', result => perSecond(result.perSecond)),
  )
  if (byteLength > 0) {
    body.append(line('memory without a pause', result => `${bytes(result.perSecond * byteLength)}/s`))
  }
  body.append(
    line('frames shown', ({ frames }) => `${frames.shown}`),
    line('frames dropped', ({ frames }) => `${frames.dropped}`),
    line('longest gap between frames', ({ frames }) => time(frames.longestMs)),
  )
  element('table').replaceChildren(head, body)
}

function ratioText([ours, theirs]: readonly Result[]): string {
  const ratio = theirs!.medianMs / ours!.medianMs
  return `outband is ${times(ratio)}x as fast as postMessage`
}

let drawn: readonly Result[] = []

function draw(): void {
  if (drawn.length === 0) return
  drawTimes(element('time'), drawn)
  drawFrames(element('frames'), drawn)
}

function say(text: string, isWrong = false): void {
  const status = element('status')
  status.textContent = text
  status.className = isWrong ? 'wrong' : ''
}

async function run(): Promise<void> {
  const { name, about, make } = chosen()
  const mode = modeNow()
  const button = element('run')
  button.disabled = true
  try {
    say(`${name}: making the value …`)
    const value = await make()
    const byteLength = memoryOf(value).reduce((sum, memory) => sum + memory.byteLength, 0)
    const results = await contest(make, byteLength, mode, what => say(`${name}: ${what} …`))
    drawn = results
    const way = mode === 'copy' ? 'one way' : 'there and back'
    const size = byteLength > 0 ? `, ${bytes(byteLength)} of memory` : ''
    element('results').hidden = false
    element('ratio').textContent = ratioText(results)
    element('time-title').textContent =
      `Time of a message, ${way}: ${name}, ${mode === 'copy' ? 'copied' : 'moved'}`
    draw()
    table(results, byteLength, way)
    say(`${name} (${about})${size}: done. What came back of both is equal to what was sent.`)
  } catch (error) {
    say(`${name}: ${(error as Error).message}`, true)
  } finally {
    button.disabled = false
  }
}

/** Documents hold no memory that could be moved. */
function offer(): void {
  const { about, kind } = chosen()
  const isMovable = kind === 'bytes'
  radio('transfer').disabled = !isMovable
  if (!isMovable) radio('copy').checked = true
  element('about').textContent = isMovable ? about : `${about}; it holds no memory that could be moved`
}

element('workload').append(
  ...HERE.map(({ name }) => {
    const option = document.createElement('option')
    option.value = name
    option.textContent = name
    return option
  }),
)
element('workload').addEventListener('change', offer)
element('form').addEventListener('submit', event => {
  event.preventDefault()
  void run()
})
addEventListener('resize', draw)
offer()
await FrameWatch.settle()
const isolation = dom.crossOriginIsolated
  ? 'This page is cross-origin isolated: outband may use shared memory, and times are exact to 5 µs.'
  : 'This page is not cross-origin isolated: no shared memory, and times are exact to 100 µs.'
element('footer').textContent =
  `${isolation} A frame takes ${time(FrameWatch.intervalMs)} here. Every figure is from this browser, now.`
