// The transfer list that a person writes by hand: `[value.planes[0].buffer, …]`, not a search of the value each time.

type List = (value: unknown) => ArrayBuffer[]

/** A list for values like the first that it is asked for, as fast as if somebody had typed it. */
export function listByHand(): List {
  let list: List | undefined
  return value => {
    list ??= new Function('value', `return [${[...placesOf(value).values()].join(', ')}]`) as List
    return list(value)
  }
}

/** Where in the value its memory is reached, for each ArrayBuffer one place. */
function placesOf(value: unknown, at = 'value', found = new Map<unknown, string>()): Map<unknown, string> {
  if (ArrayBuffer.isView(value)) {
    if (!found.has(value.buffer)) found.set(value.buffer, `${at}.buffer`)
  } else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) placesOf(inner, `${at}[${JSON.stringify(key)}]`, found)
  return found
}
