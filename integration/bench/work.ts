import type { Contestant } from './peers.ts';
import type { Row, Verdict } from './table.ts';

/** A contestant in a buildroot of its own. */
export interface Entry extends Contestant {
  readonly buildroot: string;
}

/** Something to do, and who does it; the first is what is judged. */
export interface Work {
  readonly name: string;
  /** Makes the buildroots. @returns what there is in them, in words */
  prepare(): Promise<string>;
  readonly contestants: readonly Entry[];
  /** How often each runs in a round; default: once. */
  readonly repetitions?: number;
  /** Takes back what the last run did. */
  reset(entry: Entry): void;
  /** Compares what came out. @throws if it is not equal */
  check(finished: readonly Entry[]): Promise<void>;
  verdicts(rows: readonly Row[]): Verdict[];
  /** Draws them, as SVG. */
  picture?(rows: readonly Row[], verdicts: readonly Verdict[]): string;
}
