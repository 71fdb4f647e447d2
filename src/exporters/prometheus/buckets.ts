/**
 * One histogram series that is fed by every probe. prom-client looks its label values up by text at each call, which
 * costs a probe more than its own state machine does; here whoever observes holds the series itself.
 */
export class Buckets {
  readonly bounds: readonly number[];
  /** Observations in each bucket alone, the last one beyond all bounds. */
  readonly #counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let index = 0;
    while (index < this.bounds.length && value > (this.bounds[index] ?? Infinity)) {
      index += 1;
    }
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.sum += value;
  }

  get count(): number {
    return this.#counts.reduce((total, count) => total + count, 0);
  }

  /** As Prometheus reads it: each bound, Infinity last, with the observations that do not exceed it. */
  *cumulative(): Generator<readonly [bound: number, count: number]> {
    let sofar = 0;
    for (const [index, count] of this.#counts.entries()) {
      sofar += count;
      yield [this.bounds[index] ?? Infinity, sofar];
    }
  }
}
