import type { Stage } from './report.ts';

/** Measures the total time of each stage. Stages may alternate. */
export class Stopwatch {
  readonly seconds: Record<Stage, number> = { discover: 0, start: 0, compile: 0, write: 0 };
  #since = performance.now();

  /** Adds the time since the last call to this stage. */
  lap(stage: Stage): void {
    const now = performance.now();
    this.seconds[stage] += (now - this.#since) / 1000;
    this.#since = now;
  }
}
