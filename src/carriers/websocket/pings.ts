/**
 * Answers to the pings of a socket of `ws`, which itself gives one to each: to a peer that asks without end and reads
 * nothing, until the memory is full. Here one is on its way at a time, and of the pings that came meanwhile the last is
 * answered (RFC 6455, 5.5.3).
 */
import type { Payload, WsSocket } from './shape.js'

/** Answers, where `autoPong` of `ws` is false; the function that it returns ends that. */
export function answerPings(socket: WsSocket): () => void {
  let isAnswering = false
  let waiting: Payload | undefined
  const answer = (payload: Payload) => {
    isAnswering = true
    socket.pong(payload, false, () => {
      isAnswering = false
      if (waiting === undefined) return
      const last = waiting
      waiting = undefined
      answer(last)
    })
  }
  const ping = (payload: Payload) => {
    if (isAnswering) waiting = payload
    else answer(payload)
  }
  socket.on('ping', ping)
  return () => socket.off('ping', ping)
}
