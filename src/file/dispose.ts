/** The method that `await using` calls. Node 20.0 has no such symbol; then nobody can ask for it by that either. */
export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')
