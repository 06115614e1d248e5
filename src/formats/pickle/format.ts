/** Python's pickle protocol 5 as a format, with numpy arrays out of band. */
import type { PacketLike } from '../../packet.js'
import type { Format, FormatDecodeSettings, FormatEncodeSettings } from '../format.js'
import { Unpickler } from './reader/read.js'
import { type PickleOptions, pickleSettings } from './settings.js'
import { Pickler } from './writer/write.js'

/**
 * A format for peers in Python: `pickle.loads(meta, buffers=buffers)` there, `pickle.dumps(value, 5, buffer_callback=…)` on the way
 * back. Reads protocols 0 to 5; calls nothing but what is on the list (`spec/PICKLE.md`) or among `globals`.
 * @throws TypeError for an option of the wrong type
 */
export function pickleFormat(options?: PickleOptions): Format {
  const own = pickleSettings(options)
  let pickler: Pickler | undefined
  let unpickler: Unpickler | undefined
  return Object.freeze({
    name: 'pickle',
    encode(value: unknown, settings: FormatEncodeSettings) {
      pickler ??= new Pickler(own)
      return (pickler.isBusy ? new Pickler(own) : pickler).write(value, settings)
    },
    decode(packet: PacketLike, settings: FormatDecodeSettings) {
      unpickler ??= new Unpickler(own)
      return (unpickler.isBusy ? new Unpickler(own) : unpickler).read(packet, settings)
    },
  })
}

/** `pickleFormat()` */
export const pickle: Format = pickleFormat()
