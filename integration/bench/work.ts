import type { Contestant } from './peers.ts';
import type { Row, Verdict } from './table.ts';

/** A contestant in a buildroot of its own. */
export interface Entry extends Contestant {
  readonly buildroot: string;
}

/** A task and its contestants. The first one is judged. */
export interface Work {
  readonly name: string;
  /** Makes the buildroots. @returns a description of their content */
  prepare(): Promise<string>;
  readonly contestants: readonly Entry[];
  /** The number of runs of each in a round; default: one. */
  readonly repetitions?: number;
  /** Reverts the last run. */
  reset(entry: Entry): void;
  /** Compares the results. @throws if they are not equal */
  check(finished: readonly Entry[]): Promise<void>;
  verdicts(rows: readonly Row[]): Verdict[];
  /** Draws the results as SVG. */
  picture?(rows: readonly Row[], verdicts: readonly Verdict[]): string;
}
