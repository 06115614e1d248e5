/** A worker that nobody wrapped. */
export default (message: unknown): string => typeof message

/** Answers with what it was asked. */
export const same = (message: unknown): unknown => message
