/**
 * The listeners of a wrapped port, in the three ways that ports know: `on` with the bare value, `addEventListener`
 * with an event, and a property such as `onmessage`. A listener that throws does not keep the message from the next.
 */
type Bare = (value: unknown) => void
type EventHandler = ((event: Event) => void) | { handleEvent(event: Event): void }

/** Events of messages; all others are the port's own. */
export type MessageName = 'message' | 'messageerror'

interface Call {
  readonly listener: unknown
  /** Called with the value alone, or with an event. */
  readonly isBare: boolean
  readonly isOnce: boolean
}

export class Listeners {
  readonly #target: object
  /** In the order of their coming. A fresh list at each change: who is called just now stays as it was. */
  #calls: readonly Call[] = []
  #property: EventHandler | null = null

  constructor(target: object) {
    this.#target = target
  }

  get size(): number {
    return this.#calls.length
  }

  get property(): EventHandler | null {
    return this.#property
  }

  set property(handler: unknown) {
    const isHandler = typeof handler === 'function' || (typeof handler === 'object' && handler !== null)
    if (this.#property !== null) this.remove(this.#property)
    this.#property = isHandler ? (handler as EventHandler) : null
    if (this.#property !== null) this.add(this.#property, false, false)
  }

  add(listener: unknown, isBare: boolean, isOnce: boolean): void {
    if (this.#calls.some(call => call.listener === listener)) return
    this.#calls = [...this.#calls, { listener, isBare, isOnce }]
  }

  remove(listener: unknown): void {
    this.#calls = this.#calls.filter(call => call.listener !== listener)
  }

  clear(): void {
    this.#calls = []
    this.#property = null
  }

  /** `event` is the platform's for this message, `ports` those of its ports that are the user's. */
  emit(name: MessageName, data: unknown, event: MessageEvent | undefined, ports: readonly object[]): void {
    let ours: Event | undefined
    for (const { listener, isBare, isOnce } of this.#calls) {
      if (isOnce) this.remove(listener)
      try {
        if (isBare) (listener as Bare).call(this.#target, data)
        else {
          ours ??= eventOf(name, data, event, ports)
          if (typeof listener === 'function') listener.call(this.#target, ours)
          else (listener as { handleEvent(event: Event): void }).handleEvent(ours)
        }
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}

function eventOf(
  name: MessageName,
  data: unknown,
  event: MessageEvent | undefined,
  ports: readonly object[],
): Event {
  const { origin = '', lastEventId = '', source = null } = event ?? {}
  const ours = new MessageEvent(name, { data, origin, lastEventId, source, ports: [...ports] as never[] })
  // Made by hand, an event says null for undefined; the platform's own do not.
  if (data === undefined) Object.defineProperty(ours, 'data', { value: undefined })
  return ours
}
