/** Ready-made custom types: of the web platform, of Blobs and Files, and of Apache Arrow. */
export { type ArrowPackage, arrowTypes } from './arrow.js'
export { blobType, blobTypes, fileType, readBlobs } from './blobs.js'
export {
  domExceptionType,
  headersType,
  imageDataType,
  type Picture,
  urlSearchParamsType,
  urlType,
  webTypes,
} from './web.js'
