/** Measures the total time of each stage. Stages may alternate. */
export class Stopwatch<S extends string> {
  readonly seconds: Record<S, number>;
  #since = performance.now();

  constructor(stages: readonly S[]) {
    this.seconds = Object.fromEntries(stages.map((stage) => [stage, 0])) as Record<S, number>;
  }

  /** Adds the time since the last call to this stage. */
  lap(stage: S): void {
    const now = performance.now();
    this.seconds[stage] += (now - this.#since) / 1000;
    this.#since = now;
  }
}
