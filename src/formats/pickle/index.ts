/** The door of `outband/pickle`: exports only. */
export type { DType, DTypeField, StructDType, SubarrayDType } from './dtype.js'
export { pickle, pickleFormat } from './format.js'
export { type FramesOptions, packFrames, unpackFrames } from './frames.js'
export {
  NDArray,
  type NDArrayData,
  type NDArrayLike,
  type NDArrayOptions,
  ndarrayType,
  type Order,
} from './ndarray.js'
export { PythonName, PythonObject, type PythonObjectParts } from './objects.js'
export type { PickleOptions, PythonClass, PythonFunction, PythonGlobals } from './settings.js'
