/**
 * What the pages use of the DOM, declared by hand: the type library of the DOM would leak into the whole program and
 * contradict Node's there.
 */

/** A message event as every realm of a browser tells it. */
export interface Message {
  readonly data: unknown
  readonly ports: readonly object[]
  readonly origin: string
  readonly source: unknown
}

type Listener = (event: Message) => void

/** Whatever posts and is heard: Worker, MessagePort, BroadcastChannel, Window, a worker's own scope. */
export interface AnyPort {
  postMessage(message: unknown, ...rest: unknown[]): void
  addEventListener(type: string, listener: Listener, options?: { once?: boolean }): void
  removeEventListener(type: string, listener: Listener): void
  onmessage: Listener | null
  start?(): void
  close?(): void
  terminate?(): void
}

export interface Element {
  src: string
  hidden: boolean
  textContent: string | null
  readonly contentWindow: AnyPort & { eval(code: string): unknown }
  addEventListener(type: string, listener: (event: never) => void): void
  append(...children: unknown[]): void
  remove(): void
}

export interface Picture {
  readonly width: number
  readonly height: number
}

interface Dom {
  readonly Worker: new (url: string, options: { type: 'module' }) => AnyPort & { terminate(): void }
  readonly location: { readonly href: string; readonly origin: string; readonly port: string }
  readonly crossOriginIsolated: boolean
  readonly navigator: {
    readonly userAgent: string
    readonly locks: { query(): Promise<Record<'held' | 'pending', readonly { readonly name?: string }[]>> }
  }
  readonly document: {
    readonly body: Element
    createElement(name: string): Element
  }
  readonly parent: AnyPort
  readonly ImageData: new (width: number, height: number) => Picture & { readonly data: Uint8ClampedArray }
  readonly OffscreenCanvas: new (
    width: number,
    height: number,
  ) => Picture & { getContext(kind: '2d'): object | null; transferToImageBitmap(): Picture }
  readonly OfflineAudioContext: new (
    channels: number,
    frames: number,
    rate: number,
  ) => { readonly audioWorklet: { addModule(url: string): Promise<void> } }
  readonly AudioWorkletNode: new (
    context: object,
    name: string,
    options: { processorOptions: object },
  ) => { readonly port: AnyPort }
  readonly DOMRect: new (x: number, y: number, width: number, height: number) => Picture
  readonly WebAssembly: {
    readonly Memory: new (limits: {
      initial: number
      maximum: number
      shared: true
    }) => { readonly buffer: SharedArrayBuffer }
    readonly Module: new (bytes: Uint8Array) => object
  }
}

/** The page's, or the worker's, global object. */
export const dom = globalThis as unknown as Dom

/** Whether memory can be shared: in an isolated page of an engine that has it (WebKit may be built without). */
export const canShare = dom.crossOriginIsolated && 'SharedArrayBuffer' in globalThis
