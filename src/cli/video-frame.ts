/** One 4:2:0 picture: a plane of luma and two of chroma at half the width and height. */
export interface VideoFrame {
  readonly format: 'I420'
  readonly codedWidth: number
  readonly codedHeight: number
  readonly timestampUs: number
  readonly durationUs: number
  readonly colorSpace: { readonly primaries: string; readonly matrix: string; readonly fullRange: boolean }
  readonly layout: readonly { readonly offset: number; readonly stride: number }[]
  readonly planes: readonly Uint8Array[]
}

/** Draws a moving gradient at 1080p: the same `index` gives the same bytes. */
export function videoFrame(index = 0, width = 1920, height = 1080): VideoFrame {
  const sizes = [
    [width, height],
    [width >> 1, height >> 1],
    [width >> 1, height >> 1],
  ] as const
  let offset = 0
  const layout = sizes.map(([stride, lines]) => {
    const plane = { offset, stride }
    offset += stride * lines
    return plane
  })
  const planes = sizes.map(([stride, lines], plane) => {
    const bytes = new Uint8Array(stride * lines)
    for (let y = 0; y < lines; y++) {
      for (let x = 0; x < stride; x++)
        bytes[y * stride + x] = (x * (plane + 1) + y * 3 + index * 7) ^ (y >> 3)
    }
    return bytes
  })
  return {
    format: 'I420',
    codedWidth: width,
    codedHeight: height,
    timestampUs: index * 33_333,
    durationUs: 33_333,
    colorSpace: { primaries: 'bt709', matrix: 'bt709', fullRange: false },
    layout,
    planes,
  }
}
