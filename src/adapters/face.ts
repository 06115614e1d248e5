/** Somebody else's object with some members of ours in front; behind them it is itself, private fields and all. */
export function faceOf(object: object, members: Readonly<Record<string, unknown>>): object {
  const face: object = new Proxy(object, {
    get(_, name) {
      if (typeof name === 'string' && Object.hasOwn(members, name)) return members[name]
      const member: unknown = Reflect.get(object, name, object)
      if (typeof member !== 'function' || name === 'constructor') return member
      // Called on the object, not on the proxy, which has no private fields; a chain goes on with the face.
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(member, object, args)
        return result === object ? face : result
      }
    },
    set: (_, name, value) => Reflect.set(object, name, value, object),
  })
  return face
}
