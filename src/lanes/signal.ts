/** A promise that is resolved again and again. */
export class Signal {
  promise: Promise<void>;
  #resolve: () => void = () => undefined;

  constructor() {
    this.promise = this.#next();
  }

  /** Wakes all that wait. */
  give(): void {
    this.#resolve();
    this.promise = this.#next();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }
}
