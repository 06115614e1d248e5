/** Elements that were moved up by `Array.prototype.shift` while `run` ran: the time it takes, without a clock. */
export async function movedUp(run: () => Promise<unknown>): Promise<number> {
  const { shift } = Array.prototype
  let moved = 0
  Array.prototype.shift = function (this: unknown[]) {
    moved += this.length
    return shift.call(this)
  }
  try {
    await run()
  } finally {
    Array.prototype.shift = shift
  }
  return moved
}
