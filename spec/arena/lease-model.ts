/**
 * The lease protocol of `src/memory/arena/lease-table.ts`, a step at a time: one block that is used again and again, its owner and one
 * or two readers. A step is one access to shared memory, one message, or something that one side does alone; between any two a
 * reader may die, leave, or be given up while it lives. `explore` goes through every order.
 *
 * What is promised: who may use the block finds what was lent (a reader that was given up is promised nothing), and when all
 * have ended their leases, or are gone, the block is free.
 */

/** What the protocol could have wrong; the model must find each. */
export const bugs = [
  'sends before it lends',
  'holds nothing for what it lends',
  'uses a tag again',
  'takes any word for a return',
  'frees when the owner lets go',
  'forgets leases when it counts returns',
  'never buries the dead',
  'hands the table of the last reader on',
  'gives back twice',
  'opens twice',
] as const
export type Bug = (typeof bugs)[number]

export interface Bounds {
  /** One, or two. */
  readonly readers: number
  /** Leases a reader may have, contents the block has in turn, and messages. */
  readonly leases: number
  readonly contents: number
  readonly sends: number
}

export interface Outcome {
  readonly states: number
  /** A shortest way to break a promise, if there is one. */
  readonly violation: { readonly what: string; readonly steps: readonly string[] } | undefined
}

interface Handle {
  lease: number
  tag: number
  /** What the block held when it was lent. */
  content: number
}

/** What owner and reader share: `lent` is the owner's to write, the rest the reader's. */
interface Table {
  lent: number[]
  returned: number[]
  returns: number
}

interface Reader {
  table: number
  life: 'absent' | 'alive' | 'dead' | 'left'
  inbox: Handle[]
  open: Handle[]
  over: Handle[]
  taken: number[]
  /** Given back, but the word (0) or the count (1) is not written yet. */
  giving: { handle: Handle; step: number } | null
}

/** The owner's own records of a reader. */
interface Record {
  isEnded: boolean
  tags: number[]
  isOut: boolean[]
  returns: number
}

interface State {
  tables: Table[]
  readers: Reader[]
  records: Record[]
  isFree: boolean
  content: number
  isHeldHere: boolean
  holds: number
  sends: number
  lending: { reader: number; handle: Handle; step: number } | null
  sweeping: { reader: number; lease: number } | null
}

type Step = [name: string, run: (state: State) => void]

/** Every state that can be reached, shortest ways first; ends at the first that breaks a promise. */
export function explore(bounds: Bounds, bug?: Bug): Outcome {
  const model = new Model(bounds, bug)
  const first = JSON.stringify(model.start())
  const cameFrom = new Map<string, [before: string, step: string] | undefined>([[first, undefined]])
  for (const key of cameFrom.keys()) {
    const reached: State = JSON.parse(key)
    const what = broken(reached) ?? model.stuck(JSON.parse(key))
    if (what !== undefined) return { states: cameFrom.size, violation: { what, steps: wayTo(key, cameFrom) } }
    for (const [name, run] of model.steps(reached)) {
      const state: State = JSON.parse(key)
      run(state)
      const next = JSON.stringify(state)
      if (!cameFrom.has(next)) cameFrom.set(next, [key, name])
    }
  }
  return { states: cameFrom.size, violation: undefined }
}

function wayTo(key: string, cameFrom: ReadonlyMap<string, [string, string] | undefined>): string[] {
  const steps: string[] = []
  for (let at = cameFrom.get(key); at !== undefined; at = cameFrom.get(at[0])) steps.unshift(at[1])
  return steps
}

/** Who relies on the block, and does not find in it what was lent. */
function broken({ readers, records, isFree, content, lending }: State): string | undefined {
  for (const [index, { life, inbox, open }] of readers.entries()) {
    if (records[index]!.isEnded) continue
    const relied = life === 'dead' || life === 'left' ? [] : [...inbox, ...open]
    if (lending?.reader === index && lending.step === 1) relied.push(lending.handle)
    const lost = relied.some(handle => isFree || handle.content !== content)
    if (lost) return `reader ${index} has a block that is ${isFree ? 'free' : 'used for something else'}`
  }
  return undefined
}

class Model {
  constructor(
    readonly bounds: Bounds,
    readonly bug: Bug | undefined,
  ) {}

  start(): State {
    const all = <T>(value: T): T[] => new Array<T>(this.bounds.leases).fill(value)
    const readers = [...new Array(this.bounds.readers).keys()]
    return {
      tables: readers.map(() => ({ lent: all(0), returned: all(0), returns: 0 })),
      readers: readers.map(table => ({
        table,
        life: 'absent',
        inbox: [],
        open: [],
        over: [],
        taken: all(0),
        giving: null,
      })),
      records: readers.map(() => ({ isEnded: false, tags: all(0), isOut: all(false), returns: 0 })),
      isFree: true,
      content: 0,
      isHeldHere: false,
      holds: 0,
      sends: 0,
      lending: null,
      sweeping: null,
    }
  }

  steps(state: State): Step[] {
    return [
      ...this.#ownerSteps(state),
      ...state.readers.flatMap((_, index) => [...this.#readerSteps(state, index)]),
    ]
  }

  /** Lets all come to an end; what is then not free never will be. */
  stuck(state: State): string | undefined {
    while (state.lending !== null) this.#lend(state)
    while (state.sweeping !== null) this.#look(state)
    for (const [index, reader] of state.readers.entries()) {
      while (reader.giving !== null) give(state, reader)
      while (reader.life === 'alive' && reader.inbox.length > 0) this.#open(state, reader, 'inbox')
      for (const handle of reader.life === 'alive' ? reader.open.splice(0) : []) {
        reader.giving = { handle, step: 0 }
        while (reader.giving !== null) give(state, reader)
      }
      if (reader.life === 'alive') {
        state.sweeping = { reader: index, lease: 0 }
        while (state.sweeping !== null) this.#look(state)
      } else if (reader.life === 'absent' || this.bug !== 'never buries the dead') this.#end(state, index)
    }
    if (state.isHeldHere) this.#letGo(state)
    return state.isFree ? undefined : `the block is held ${state.holds} times, by nobody`
  }

  *#ownerSteps(state: State): Generator<Step> {
    const { lending, sweeping, isFree, content, isHeldHere, sends } = state
    if (lending !== null) return yield ['owner goes on lending', state => this.#lend(state)]
    if (sweeping !== null) return yield ['owner looks at a lease', state => this.#look(state)]
    if (isFree && content < this.bounds.contents) yield ['owner allocates', allocate]
    if (isHeldHere) yield ['owner lets go', state => this.#letGo(state)]
    for (const [index, { life, table }] of state.readers.entries()) {
      const { isEnded, isOut, returns } = state.records[index]!
      if (isEnded) continue
      const lease = isOut.indexOf(false)
      if (isHeldHere && sends < this.bounds.sends && lease >= 0 && this.#mayBegin(state, index))
        yield [`owner lends to ${index}`, state => this.#begin(state, index, lease)]
      if (state.tables[table]!.returns !== returns)
        yield [`owner sweeps ${index}`, state => sweep(state, index)]
      if (life === 'alive') yield [`owner gives up ${index}`, state => this.#end(state, index)]
      else if (life !== 'absent' && this.bug !== 'never buries the dead')
        yield [`owner buries ${index}`, state => this.#end(state, index)]
    }
  }

  *#readerSteps(state: State, index: number): Generator<Step> {
    const { life, inbox, open, over, giving } = state.readers[index]!
    const step = (what: string, run: (reader: Reader, state: State) => void): Step => [
      `reader ${index} ${what}`,
      state => run(state.readers[index]!, state),
    ]
    if (life === 'absent' && this.#mayBegin(state, index))
      yield step('attaches', reader => {
        reader.life = 'alive'
      })
    if (life !== 'alive') return
    yield step('dies', reader => gone(reader, 'dead'))
    if (giving !== null) return yield step('goes on giving back', (reader, state) => give(state, reader))
    yield step('leaves', reader => gone(reader, 'left'))
    if (inbox.length > 0) yield step('opens', (reader, state) => this.#open(state, reader, 'inbox'))
    for (const i of open.keys())
      yield step('gives back', reader => {
        const [handle] = reader.open.splice(i, 1)
        reader.over.push(handle!)
        reader.giving = { handle: handle!, step: 0 }
      })
    if (over.length > 0) yield step('opens again', (reader, state) => this.#open(state, reader, 'over'))
    if (over.length > 0 && this.bug === 'gives back twice')
      yield step('gives back again', reader => {
        reader.giving = { handle: reader.over.shift()!, step: 0 }
      })
  }

  /** With one table for both the second reader comes after the first was given up or buried. */
  #mayBegin(state: State, index: number): boolean {
    return index === 0 || this.bug !== 'hands the table of the last reader on' || state.records[0]!.isEnded
  }

  #begin(state: State, index: number, lease: number): void {
    const reader = state.readers[index]!
    const record = state.records[index]!
    if (this.bug !== 'uses a tag again' || record.tags[lease] === 0) record.tags[lease]!++
    record.isOut[lease] = true
    state.sends++
    const handle = { lease, tag: record.tags[lease]!, content: state.content }
    if (this.bug === 'sends before it lends') reader.inbox.push(handle)
    else if (this.bug !== 'holds nothing for what it lends') state.holds++
    state.lending = { reader: index, handle, step: 0 }
  }

  /** The word, then the message. */
  #lend(state: State): void {
    const { reader, handle, step } = state.lending!
    const { table, life, inbox } = state.readers[reader]!
    const isEarly = this.bug === 'sends before it lends'
    if (step === 0) {
      state.tables[table]!.lent[handle.lease] = handle.tag
      state.lending!.step = 1
      if (isEarly) state.holds++
      return
    }
    state.lending = null
    if (!isEarly && (life === 'alive' || life === 'absent')) inbox.push(handle)
  }

  /** Looks at one lease of the reader that is swept. */
  #look(state: State): void {
    const { reader, lease } = state.sweeping!
    const { tags, isOut } = state.records[reader]!
    const word = state.tables[state.readers[reader]!.table]!.returned[lease]!
    const isOver = this.bug === 'takes any word for a return' ? word !== 0 : word === tags[lease]
    if (isOut[lease] && isOver) {
      isOut[lease] = false
      if (this.bug !== 'forgets leases when it counts returns') this.#drop(state)
    }
    state.sweeping = lease + 1 < this.bounds.leases ? { reader, lease: lease + 1 } : null
  }

  #end(state: State, index: number): void {
    const record = state.records[index]!
    if (record.isEnded) return
    record.isEnded = true
    for (const isOut of record.isOut) if (isOut) this.#drop(state)
    record.isOut.fill(false)
    if (this.bug !== 'hands the table of the last reader on' || index !== 0) return
    const { lent, returned } = state.tables[0]!
    lent.fill(0)
    returned.fill(0)
    for (const reader of state.readers) reader.table = 0
  }

  #letGo(state: State): void {
    state.isHeldHere = false
    if (this.bug === 'frees when the owner lets go') {
      state.isFree = true
      state.holds = 0
    } else this.#drop(state)
  }

  #drop(state: State): void {
    state.holds = Math.max(0, state.holds - 1)
    if (state.holds === 0) state.isFree = true
  }

  /** Takes up a lease, if it is one: a handle that comes a second time is none. */
  #open(state: State, reader: Reader, from: 'inbox' | 'over'): void {
    const handle = reader[from].shift()!
    const { lease, tag } = handle
    const { lent, returned } = state.tables[reader.table]!
    const isFirst = reader.taken[lease] !== tag && returned[lease] !== tag
    if (lent[lease] !== tag || !(isFirst || this.bug === 'opens twice')) return
    reader.taken[lease] = tag
    reader.open.push(handle)
  }
}

function allocate(state: State): void {
  state.isFree = false
  state.content++
  state.isHeldHere = true
  state.holds = 1
}

function sweep(state: State, reader: number): void {
  const record = state.records[reader]!
  record.returns = state.tables[state.readers[reader]!.table]!.returns
  state.sweeping = { reader, lease: 0 }
}

/** The word, then the count. */
function give(state: State, reader: Reader): void {
  const { handle, step } = reader.giving!
  const table = state.tables[reader.table]!
  if (step === 0) {
    table.returned[handle.lease] = handle.tag
    reader.giving = { handle, step: 1 }
    return
  }
  table.returns++
  reader.giving = null
}

function gone(reader: Reader, life: 'dead' | 'left'): void {
  reader.life = life
  reader.inbox = []
  reader.open = []
  reader.over = []
  reader.giving = null
}
