/** A logarithmic axis over some values. */
export class LogScale {
  readonly low: number
  readonly high: number

  /** `least`: powers of ten that it spans at least; `edge`: how far it goes beyond the values, as a share. */
  constructor(values: readonly number[], least = 1, edge = 0) {
    const [low, high] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))]
    // A level line is level: noise does not fill a picture.
    const missing = Math.max(edge * (high - low), (least - (high - low)) / 2)
    this.low = low - missing
    this.high = high + missing
  }

  /** 0 at the beginning, 1 at the end. */
  place(value: number): number {
    return (Math.log10(value) - this.low) / (this.high - this.low)
  }

  /** Powers of ten on it; where these are few, 2 and 5 times them too. */
  ticks(): number[] {
    const powers: number[] = []
    for (let power = Math.floor(this.low); power <= Math.ceil(this.high); power++) powers.push(power)
    const on = (factors: readonly number[]) =>
      powers
        .flatMap(power => factors.map(factor => Number(`${factor}e${power}`)))
        .filter(value => this.place(value) > -1e-9 && this.place(value) < 1 + 1e-9)
    const tens = on([1])
    return tens.length >= 3 ? tens : on([1, 2, 5])
  }
}
