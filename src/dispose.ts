// Kept in the declarations, for projects whose `lib` is older than these symbols.
/// <reference lib="esnext.disposable" preserve="true" />

/** What `using` and `await using` call. Older engines have no such symbols; then nobody can ask for these methods either. */
export const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('Symbol.dispose')
export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')
