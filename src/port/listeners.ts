/**
 * The listeners of a wrapped port, in the three ways that ports know: `on` with the bare value, `addEventListener`
 * with an event, and a property such as `onmessage`. A listener that throws does not keep the message from the next.
 */
import { throwApart } from '../carriers/carrier.js'
import { expectArgument } from '../errors.js'

type Bare = (value: unknown) => void
type EventHandler = ((event: Event) => void) | { handleEvent(event: Event): void }

/** Events of messages; all others are the port's own. */
export type MessageName = 'message' | 'messageerror'

interface Call {
  readonly listener: unknown
  /** Called with the value alone, or with an event. */
  readonly isBare: boolean
  readonly isOnce: boolean
  /** Set by `onmessage`, not by a call. */
  readonly isProperty: boolean
  /** For who adds one listener twice: a port has no way down, so both are called. */
  readonly isCapture: boolean
  /** Takes our listener off the signal that would remove this one. */
  readonly unlisten?: (() => void) | undefined
}

function isHandler(value: unknown): value is EventHandler {
  return typeof value === 'function' || (typeof value === 'object' && value !== null)
}

/** How most are called. */
const USUAL = { isBare: false, isOnce: false, isCapture: false, isProperty: false }

export class Listeners {
  readonly #target: object
  readonly #onChange: () => void
  readonly #canRepeat: boolean
  /** In the order of their coming. A fresh list at each change: who is called just now stays as it was. */
  #calls: readonly Call[] = []

  /**
   * `target` is the wrapped port, for `this` and the events; `onChange` is told when a listener comes or goes;
   * `canRepeat`: a listener added twice is called twice, as by an EventEmitter, not once, as by an EventTarget.
   */
  constructor(target: object, onChange: () => void, canRepeat: boolean) {
    this.#target = target
    this.#canRepeat = canRepeat
    this.#onChange = onChange
  }

  get size(): number {
    return this.#calls.length
  }

  /** How often this one is there. */
  count(listener: unknown): number {
    return this.#calls.filter(call => call.listener === listener).length
  }

  get property(): unknown {
    return this.#calls.find(({ isProperty }) => isProperty)?.listener ?? null
  }

  /** The handler of the property keeps its place among the others, and may be a listener as well. */
  set property(handler: unknown) {
    const call = isHandler(handler) && { ...USUAL, listener: handler, isProperty: true }
    const at = this.#calls.findIndex(({ isProperty }) => isProperty)
    const before = at < 0 ? this.#calls : this.#calls.slice(0, at)
    const behind = at < 0 ? [] : this.#calls.slice(at + 1)
    this.#change([...before, ...(call ? [call] : []), ...behind])
  }

  /** Adds a listener, unless it is there already, or is none; until the signal aborts. */
  add(
    listener: unknown,
    isBare: boolean,
    isOnce: boolean,
    isCapture = false,
    signal: AbortSignal | undefined = undefined,
  ): void {
    if (isBare && this.#canRepeat) expectArgument(typeof listener === 'function', 'listener', 'a function')
    else if (!isHandler(listener) || this.#find(listener, isBare, isCapture) >= 0) return
    const leave = () => this.#drop(call)
    const unlisten = signal && (() => signal.removeEventListener('abort', leave))
    const call: Call = { ...USUAL, listener, isBare, isOnce, isCapture, unlisten }
    signal?.addEventListener('abort', leave, { once: true })
    this.#change([...this.#calls, call])
  }

  /** Takes back a listener, the last where there are several; of Node's ports `off` also takes what was added for events. */
  remove(listener: unknown, isBare: boolean, isCapture = false): void {
    const same = this.#find(listener, isBare, isCapture)
    const at = same >= 0 ? same : this.#find(listener, !isBare, isCapture)
    if (at >= 0) this.#change(this.#calls.toSpliced(at, 1))
  }

  #find(listener: unknown, isBare: boolean, isCapture: boolean): number {
    return this.#calls.findLastIndex(
      call =>
        call.listener === listener &&
        call.isBare === isBare &&
        call.isCapture === isCapture &&
        !call.isProperty,
    )
  }

  clear(): void {
    this.#change([])
  }

  #drop(call: Call): void {
    this.#change(this.#calls.filter(other => other !== call))
  }

  #change(calls: readonly Call[]): void {
    for (const call of this.#calls) if (call.unlisten !== undefined && !calls.includes(call)) call.unlisten()
    this.#calls = calls
    this.#onChange()
  }

  /** `event` is the platform's for this message, `ports` those of its ports that are the user's. */
  emit(name: MessageName, data: unknown, event: MessageEvent | undefined, ports: readonly object[]): void {
    let ours: Event | undefined
    let isStopped = false
    const calls = this.#calls
    for (const call of calls) {
      const { listener, isBare, isOnce, isProperty } = call
      // An EventTarget does not call who was removed meanwhile, an EventEmitter does.
      const isGone = this.#calls !== calls && !this.#calls.includes(call)
      if (isStopped || (isGone && !(isBare && this.#canRepeat))) continue
      if (isOnce) this.#drop(call)
      try {
        if (isBare) (listener as Bare).call(this.#target, data)
        else {
          ours ??= eventOf(name, data, event, ports, this.#target, () => {
            isStopped = true
          })
          if (typeof listener === 'function') listener.call(this.#target, ours)
          else if (!isProperty) (listener as { handleEvent?(event: Event): void }).handleEvent?.(ours)
        }
      } catch (error) {
        throwApart(error)
      }
    }
  }
}

function eventOf(
  name: MessageName,
  data: unknown,
  event: MessageEvent | undefined,
  ports: readonly object[],
  target: object,
  stop: () => void,
): Event {
  const { origin = '', lastEventId = '', source = null } = event ?? {}
  const ours = new MessageEvent(name, { data, origin, lastEventId, source, ports: [...ports] as never[] })
  // Made by hand and not dispatched, an event has no target, nobody to stop, and says null for undefined.
  Object.defineProperties(ours, {
    target: { value: target },
    currentTarget: { value: target },
    stopImmediatePropagation: { value: stop },
  })
  if (data === undefined) Object.defineProperty(ours, 'data', { value: undefined })
  return ours
}
