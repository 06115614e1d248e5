/** A class that both sides know. */
import { defineType, registry } from '../../../src/index.js'

export class Tensor {
  constructor(
    readonly shape: readonly number[],
    readonly values: Float32Array,
  ) {}
}

export const types = registry(
  defineType({
    class: Tensor,
    tag: 'tensor',
    reduce: ({ shape, values }) => [shape, values] as const,
    rebuild: ([shape, values]) => new Tensor(shape, values),
  }),
)
