/** A worker that nobody wrapped. */
export default (message: unknown): string => typeof message
