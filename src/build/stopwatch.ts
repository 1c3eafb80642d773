/** Adds up how long each stage took, also where stages take turns. */
export class Stopwatch<S extends string> {
  readonly seconds: Record<S, number>;
  #since = performance.now();

  constructor(stages: readonly S[]) {
    this.seconds = Object.fromEntries(stages.map((stage) => [stage, 0])) as Record<S, number>;
  }

  /** The time since the last lap belonged to this stage. */
  lap(stage: S): void {
    const now = performance.now();
    this.seconds[stage] += (now - this.#since) / 1000;
    this.#since = now;
  }
}
