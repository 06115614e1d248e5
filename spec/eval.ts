/** Whether code may be made from strings here: Node and the policy of a page can forbid it. */
export function canEval(): boolean {
  try {
    return new Function('return true')() as boolean
  } catch {
    return false
  }
}
