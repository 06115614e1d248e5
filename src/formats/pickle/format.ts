/** Python's pickle protocol 5 as a format, with numpy arrays out of band. */
import { expectArgument } from '../../errors.js'
import type { Format } from '../format.js'
import { Unpickler } from './reader/read.js'
import { type PickleOptions, pickleSettings } from './settings.js'
import { Pickler } from './writer/write.js'

/**
 * A format for peers in Python: `pickle.loads(meta, buffers=buffers)` there, `pickle.dumps(value, 5, buffer_callback=…)` on the way
 * back. Reads protocols 0 to 5; calls nothing but what is on the list (`spec/PICKLE.md`) or among `globals`.
 * @throws TypeError for an option of the wrong type
 */
export function pickleFormat(options?: PickleOptions): Format {
  expectArgument(options === undefined || typeof options === 'object', 'pickleFormat', 'options')
  const own = pickleSettings(options)
  let pickler: Pickler | undefined
  let unpickler: Unpickler | undefined
  return Object.freeze({
    name: 'pickle',
    encode(value: unknown, given: Parameters<Format['encode']>[1]) {
      const settings = { ...given, ...own }
      pickler ??= new Pickler(settings)
      return (pickler.isBusy ? new Pickler(settings) : pickler).write(value, settings)
    },
    decode(packet: Parameters<Format['decode']>[0], given: Parameters<Format['decode']>[1]) {
      const settings = { ...given, ...own }
      unpickler ??= new Unpickler(settings)
      return (unpickler.isBusy ? new Unpickler(settings) : unpickler).read(packet, settings)
    },
  })
}

/** `pickleFormat()` */
export const pickle: Format = pickleFormat()
