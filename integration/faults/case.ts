/** The result of a case: the rounds that it survived, and those in which something was lost. */
export interface Outcome {
  readonly tried: number;
  readonly survived: number;
  readonly lost: number;
  /** The losses, each with what is needed to reproduce it; what could not be tried; figures. */
  readonly notes?: readonly string[];
}

/** One kind of fault, tried this many times. The same seed gives the same rounds as far as the machine allows. */
export type FaultCase = (rounds: number, seed: number) => Promise<Outcome>;

/** Counts rounds. */
export class Tally {
  #tried = 0;
  #lost = 0;
  readonly #notes: string[] = [];
  readonly #counts = new Map<string, Map<string, number>>();

  /** @param problems the losses in this round, if any */
  round(name: string, problems: readonly string[]): void {
    this.#tried += 1;
    if (problems.length > 0) this.#lost += 1;
    for (const problem of problems.slice(0, 10)) this.#notes.push(`${name}: ${problem}`);
  }

  /** Counts how often something happened, for a note. */
  count(what: string, how: string): void {
    const counts = this.#counts.get(what) ?? new Map<string, number>();
    this.#counts.set(what, counts.set(how, (counts.get(how) ?? 0) + 1));
  }

  get outcome(): Outcome {
    const counted = Array.from(
      this.#counts,
      ([what, counts]) => `${what}: ${Array.from(counts, ([how, times]) => `${how} ${times}`).join(', ')}`,
    );
    const notes = [...this.#notes, ...counted];
    return { tried: this.#tried, survived: this.#tried - this.#lost, lost: this.#lost, notes };
  }
}
