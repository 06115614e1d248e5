/**
 * The protocol of `src/memory/ring.ts` and of the carrier around it, one access to shared memory a step: what each side
 * does next depends on nothing but a state, so that every order of two threads, with a death at every step, can be
 * gone through. It can be told to make a mistake, which must then be found.
 */

/** How who has nothing to do waits: for a bell, which is kept, or blocked, to be notified. */
export type Way = 'bell' | 'block'

export const MISTAKES = [
  'the reader sleeps without a second look',
  'the writer waits without a second look',
  'the writer that blocks asks for room before it says that it sleeps',
  'an entry is committed before it is written',
  'room is given back before it is read',
  'whoever sleeps is looked for before the commit',
  'the writer that waits is looked for before room is given back',
  'a bell is rung for the first entry alone',
  'who is woken is notified, but not marked awake',
  'a peer that died takes what it committed along',
  'the death of the peer is told to nobody who waits',
] as const
export type Mistake = (typeof MISTAKES)[number]

export interface Setting {
  readonly entries: number
  readonly capacity: number
  readonly reader: Way
  readonly writer: Way
  /** Who may die. */
  readonly dies?: 'reader' | 'writer' | undefined
  readonly mistake?: Mistake | undefined
}

/** All that there is: numbers and two places in the code. */
interface State {
  writer: string
  reader: string
  /** Shared: counts, what each says, and two halves of each entry. */
  head: number
  tail: number
  asleep: number
  waiting: number
  slots: number[]
  /** The word that a writer blocks on. */
  blocked: number
  bellToReader: boolean
  bellToWriter: boolean
  /** Each side's own: what it saw of the other, how far it is, what it read. */
  seenHead: number
  seenTail: number
  half: number
  written: number
  delivered: number
}

export interface Outcome {
  readonly states: number
  /** The first thing that must not be, with the steps to it. */
  readonly wrong: string | undefined
}

type Steps = { readonly [place: string]: (s: State) => string }

const START: State = {
  writer: 'ready',
  reader: 'look',
  head: 0,
  tail: 0,
  asleep: 0,
  waiting: 0,
  slots: [],
  blocked: 0,
  bellToReader: false,
  bellToWriter: false,
  seenHead: 0,
  seenTail: 0,
  half: -1,
  written: 0,
  delivered: 0,
}

class Wrong extends Error {}

function writerSteps({ entries, capacity, writer, mistake }: Setting): Steps {
  const hasRoom = (s: State) => s.tail - s.seenHead < capacity
  const commit = (s: State) => {
    s.tail++
    s.written++
  }
  const isEarly = mistake === 'an entry is committed before it is written'
  const isBlindly = mistake === 'whoever sleeps is looked for before the commit'
  const isHasty = mistake === 'the writer that blocks asks for room before it says that it sleeps'
  const slot = (s: State) => 2 * ((isEarly ? s.tail - 1 : s.tail) % capacity)
  return {
    ready: s => (s.written === entries ? 'done' : hasRoom(s) ? 'begin' : 'look'),
    look: s => {
      s.seenHead = s.head
      return hasRoom(s) ? 'begin' : 'ask'
    },
    ask: s => {
      if (isHasty || writer === 'bell') s.waiting = 1
      else s.blocked = 1
      return writer === 'bell' ? 'again' : 'doze'
    },
    doze: s => {
      if (isHasty) s.blocked = 1
      else s.waiting = 1
      return 'again'
    },
    again: s => {
      if (mistake === 'the writer waits without a second look') return 'sleep'
      s.seenHead = s.head
      return hasRoom(s) ? 'begin' : 'sleep'
    },
    sleep: s => {
      if (writer === 'block') return s.blocked === 0 ? 'look' : 'parked'
      s.bellToWriter = false
      return 'look'
    },
    begin: s => {
      if (isEarly) commit(s)
      return isBlindly ? 'check' : 'first'
    },
    first: s => {
      s.slots[slot(s)] = isEarly ? s.written - 1 : s.written
      return 'second'
    },
    second: s => {
      s.slots[slot(s) + 1] = isEarly ? s.written - 1 : s.written
      return isEarly ? 'check' : 'commit'
    },
    commit: s => {
      commit(s)
      return isBlindly ? 'ready' : 'check'
    },
    check: s => (s.asleep === 0 ? (isBlindly ? 'first' : 'ready') : 'exchange'),
    exchange: s => {
      if (mistake !== 'who is woken is notified, but not marked awake') s.asleep = 0
      return 'ring'
    },
    ring: s => {
      const isRung = mistake !== 'a bell is rung for the first entry alone' || s.written < 2
      if (isRung) s.bellToReader = true
      return isBlindly ? 'first' : 'ready'
    },
  }
}

function readerSteps({ capacity, reader, mistake }: Setting): Steps {
  const slot = (s: State, at = s.head) => 2 * (at % capacity)
  const isEarly = mistake === 'room is given back before it is read'
  const isBlindly = mistake === 'the writer that waits is looked for before room is given back'
  const deliver = (s: State, half: number) => {
    if (s.half !== s.delivered || half !== s.delivered) {
      throw new Wrong(`entry ${s.delivered} came as ${s.half} and ${half}`)
    }
    s.delivered++
  }
  const begin = isEarly ? 'pass' : 'first'
  return {
    look: s => {
      s.seenTail = s.tail
      return s.head < s.seenTail ? begin : 'doze'
    },
    doze: s => {
      s.asleep = 1
      return 'again'
    },
    again: s => {
      if (mistake === 'the reader sleeps without a second look') return 'sleep'
      s.seenTail = s.tail
      return s.head < s.seenTail ? 'wake' : 'sleep'
    },
    wake: s => {
      s.asleep = 0
      return begin
    },
    sleep: s => {
      if (reader === 'block') return s.asleep === 0 ? 'look' : 'parked'
      s.bellToReader = false
      return 'look'
    },
    first: s => {
      s.half = s.slots[slot(s, isEarly ? s.head - 1 : s.head)] ?? -1
      return 'second'
    },
    second: s => {
      deliver(s, s.slots[slot(s, isEarly ? s.head - 1 : s.head) + 1] ?? -1)
      return isEarly ? 'next' : isBlindly ? 'told' : 'pass'
    },
    pass: s => {
      s.head++
      return isEarly ? 'first' : isBlindly ? 'next' : 'told'
    },
    told: s => (s.waiting === 0 ? (isBlindly ? 'pass' : 'next') : 'exchange'),
    exchange: s => {
      s.waiting = 0
      return 'ring'
    },
    ring: s => {
      s.blocked = 0
      s.bellToWriter = true
      return isBlindly ? 'pass' : 'next'
    },
    next: s => (s.head < s.seenTail ? begin : 'look'),
    drain: s => {
      s.seenTail = s.tail
      return s.head < s.seenTail && mistake !== 'a peer that died takes what it committed along'
        ? begin
        : 'over'
    },
  }
}

/** A state with the step that led to it. */
interface Reached {
  readonly state: State
  readonly step: string
  readonly before: Reached | undefined
}

function wayTo(reached: Reached): string {
  const steps: string[] = []
  for (let one: Reached | undefined = reached; one !== undefined; one = one.before) steps.unshift(one.step)
  return steps.join(' ')
}

/** Goes through every state that can be reached. */
export function explore(setting: Setting): Outcome {
  const sides = { writer: writerSteps(setting), reader: readerSteps(setting) }
  const seen = new Set<string>()
  const todo: Reached[] = [{ state: START, step: '', before: undefined }]
  for (let one = todo.pop(); one !== undefined; one = todo.pop()) {
    const { state } = one
    const key = Object.values(state).join()
    if (seen.has(key)) continue
    seen.add(key)
    try {
      const next = nextStates(state, sides, setting)
      if (next.length === 0) expectEnd(state, setting)
      for (const { state, step } of next) todo.push({ state, step, before: one })
    } catch (error) {
      if (!(error instanceof Wrong)) throw error
      return { states: seen.size, wrong: `${error.message}, after ${wayTo(one)}` }
    }
  }
  return { states: seen.size, wrong: undefined }
}

function nextStates(state: State, sides: { writer: Steps; reader: Steps }, setting: Setting) {
  const next: { state: State; step: string }[] = []
  const add = (side: 'writer' | 'reader', go: (s: State) => string) => {
    const copy = { ...state, slots: [...state.slots] }
    const from = copy[side]
    copy[side] = go(copy)
    next.push({ state: copy, step: `${side[0]}:${from}` })
  }
  for (const side of ['writer', 'reader'] as const) {
    const at = state[side]
    const isTold = setting.mistake !== 'the death of the peer is told to nobody who waits'
    const isAlone = state[side === 'writer' ? 'reader' : 'writer'] === 'dead'
    const isResting = at === 'sleep' || at === 'parked'
    const hasBell = side === 'writer' ? state.bellToWriter : state.bellToReader
    if (isAlone && isTold && isResting) add(side, () => (side === 'writer' ? 'over' : 'drain'))
    else if (at === 'parked') {
      if (hasBell) add(side, s => unpark(s, side))
    } else if (at === 'sleep' && setting[side] === 'bell') {
      if (hasBell) add(side, s => sides[side].sleep!(s))
    } else if (sides[side][at] !== undefined) {
      if (at === 'sleep') add(side, s => park(s, sides[side], side))
      else add(side, s => sides[side][at]!(s))
      if (setting.dies === side) add(side, () => 'dead')
    }
  }
  return next
}

/** A thread that blocks hears what is notified from then on; what came before it sees in the word. */
function park(s: State, steps: Steps, side: 'writer' | 'reader'): string {
  if (side === 'writer') s.bellToWriter = false
  else s.bellToReader = false
  return steps.sleep!(s)
}

function unpark(s: State, side: 'writer' | 'reader'): string {
  if (side === 'writer') s.bellToWriter = false
  else s.bellToReader = false
  return side === 'reader' && s.asleep !== 0 ? 'sleep' : 'look'
}

/** What must be when nobody can do anything any more. */
function expectEnd({ writer, reader, delivered, tail }: State, { entries, dies }: Setting): void {
  const where = `${delivered} of ${tail} delivered, writer ${writer}, reader ${reader}`
  if (reader === 'dead') {
    if (writer !== 'done' && writer !== 'over') throw new Wrong(`the writer was not told: ${where}`)
  } else if (writer === 'dead') {
    if (reader !== 'over') throw new Wrong(`the reader was not told: ${where}`)
    if (delivered !== tail) throw new Wrong(`committed and lost: ${where}`)
  } else if (delivered !== entries) throw new Wrong(`nobody goes on: ${where}`)
  else if (dies === undefined && reader !== 'sleep' && reader !== 'parked') throw new Wrong(where)
}
