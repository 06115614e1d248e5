/** What a trial may find, each with a detector that `plants` proves by a bug of its own. */
export const KINDS = [
  // Of the messages that arrived, or that a peer has said it took in.
  'lost',
  'duplicated',
  'partial',
  // A channel ended otherwise than it must, or a peer's process did.
  'wrongEnd',
  // A promise that should have settled did not.
  'unsettled',
  // Memory, or bytes under way, beyond what is allowed.
  'unbounded',
  // Descriptors or processes that are left.
  'leaked',
  // Bytes of buffers that are left, over all trials of a process.
  'kept',
] as const
export type Kind = (typeof KINDS)[number]

export interface Find {
  readonly kind: Kind
  readonly what: string
}
