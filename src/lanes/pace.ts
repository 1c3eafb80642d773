/** How many of the last answers tell the pace. */
const counted = 16;

/** How fast answers come in. */
export class Pace {
  readonly #started = performance.now();
  readonly #last: number[] = [];

  /** An answer has come. */
  tick(): void {
    this.#last.push(performance.now());
    if (this.#last.length > counted) this.#last.shift();
  }

  /** Since it was made. */
  get elapsedMs(): number {
    return performance.now() - this.#started;
  }

  /** Answers in a second, of late: less from moment to moment if none comes. */
  get perSecond(): number {
    const since = this.#last.length < counted ? this.#started : (this.#last[0] as number);
    return (1000 * this.#last.length) / Math.max(1, performance.now() - since);
  }
}
