/**
 * The listeners of a wrapped port, in the three ways that ports know: `on` with the bare value, `addEventListener`
 * with an event, and a property such as `onmessage`. A listener that throws does not keep the message from the next.
 */
type Bare = (value: unknown) => void
type EventHandler = ((event: Event) => void) | { handleEvent(event: Event): void }

/** Events of messages; all others are the port's own. */
export type MessageName = 'message' | 'messageerror'

/** What an event tells beside its data. */
export interface Origin {
  readonly ports: readonly object[]
  readonly event?: Event | undefined
}

export class Listeners {
  readonly #target: object
  /** In the order of their coming; the value says how each wants to be called. */
  readonly #calls = new Map<unknown, 'bare' | 'event'>()
  readonly #once = new Set<unknown>()
  #property: EventHandler | null = null

  constructor(target: object) {
    this.#target = target
  }

  get size(): number {
    return this.#calls.size
  }

  get property(): EventHandler | null {
    return this.#property
  }

  set property(handler: unknown) {
    const isHandler = typeof handler === 'function' || (typeof handler === 'object' && handler !== null)
    if (this.#property !== null) this.#calls.delete(this.#property)
    this.#property = isHandler ? (handler as EventHandler) : null
    if (this.#property !== null) this.#calls.set(this.#property, 'event')
  }

  add(listener: unknown, how: 'bare' | 'event', once: boolean): void {
    if (this.#calls.has(listener)) return
    this.#calls.set(listener, how)
    if (once) this.#once.add(listener)
  }

  remove(listener: unknown): void {
    this.#calls.delete(listener)
    this.#once.delete(listener)
  }

  clear(): void {
    this.#calls.clear()
    this.#once.clear()
    this.#property = null
  }

  emit(name: MessageName, data: unknown, origin: Origin): void {
    let event: Event | undefined
    for (const [listener, how] of [...this.#calls]) {
      if (this.#once.has(listener)) this.remove(listener)
      try {
        if (how === 'bare') (listener as Bare).call(this.#target, data)
        else {
          event ??= eventOf(name, data, origin)
          if (typeof listener === 'function') listener.call(this.#target, event)
          else (listener as { handleEvent(event: Event): void }).handleEvent(event)
        }
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}

function eventOf(name: MessageName, data: unknown, { ports, event }: Origin): Event {
  const { origin = '', lastEventId = '', source = null } = (event ?? {}) as Partial<MessageEvent>
  return new MessageEvent(name, { data, origin, lastEventId, source, ports: [...ports] as never[] })
}
