/** What Node has that keeps a process, or a thread, alive: ports, sockets, children, timers. Elsewhere nothing does. */
interface Holder {
  ref?(): unknown
  unref?(): unknown
}

/** Makes it a reason to live, or none; what never is one is left as it is. */
export function keepAlive(holder: object, isKept: boolean): void {
  const it = holder as Holder
  if (isKept) it.ref?.()
  else it.unref?.()
}
