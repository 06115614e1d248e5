/** The flags of runs and of views, as literals for the reason that `ops.ts` gives. */

/** Bits of a run's flags byte. */
export const enum RunFlag {
  OUT_OF_BAND = 1,
  READONLY = 2,
  SHARED = 4,
  RESIZABLE = 8,
  KNOWN = 0b1110_1111,
  /**
   * The three highest bits are its phase: a run's start modulo 8 in the sender's memory. A receiver that must copy the run puts it at
   * the same phase, so that every view that was aligned is aligned again.
   */
  PHASE_SHIFT = 5,
}

/** Bits of a view's kind byte. */
export const enum ViewFlag {
  /** Those of the kind. */
  KIND = 31,
  READONLY = 32,
  TRACKING = 64,
  /** The view is the whole of the next run that no view before it was on: nothing else is said of it. */
  WHOLE = 128,
}

/** Kinds that are looked for by their number; `KINDS` has all. */
export const enum ViewKind {
  ARRAY_BUFFER = 0,
  DATA_VIEW = 1,
  BUFFER = 2,
  UINT8 = 4,
}
