/** What lanes in threads are told while they work, and what they tell. Shared memory: it needs no messages. */
export interface LaneControl {
  /** Whether to go on, and how many sources are done. */
  readonly state: SharedArrayBuffer;
  /** For each lane: 1 while it writes. */
  readonly writing: SharedArrayBuffer;
}

const [order, done] = [0, 1];
const [goOn, finish, exit] = [0, 1, 2];

/** The side of the main thread. */
export class LaneDirector {
  readonly control: LaneControl;

  constructor(lanes: number) {
    this.control = { state: new SharedArrayBuffer(8), writing: new SharedArrayBuffer(4 * lanes) };
  }

  /** How many sources are done. */
  get done(): number {
    return Atomics.load(new Int32Array(this.control.state), done);
  }

  /** Has the lanes take no more jobs. */
  finish(): void {
    Atomics.compareExchange(new Int32Array(this.control.state), order, goOn, finish);
  }

  /** Waits until no lane writes, and lets none write from now on: the process is about to exit. */
  freeze(): void {
    Atomics.store(new Int32Array(this.control.state), order, exit);
    const writing = new Int32Array(this.control.writing);
    for (let lane = 0; lane < writing.length; lane++) Atomics.wait(writing, lane, 1, maxWriteMs);
  }
}

/** A lane that has not written its pycs after this time is stuck in the kernel. */
const maxWriteMs = 10_000;

/** The side of a lane. */
export class LaneReporter {
  readonly #lane: number;
  readonly #state: Int32Array;
  readonly #writing: Int32Array;

  constructor(control: LaneControl, lane: number) {
    this.#lane = lane;
    this.#state = new Int32Array(control.state);
    this.#writing = new Int32Array(control.writing);
  }

  /** Whether to take no more jobs. */
  get isOver(): boolean {
    return Atomics.load(this.#state, order) !== goOn;
  }

  /** Writes the pycs of a source, unless the process is about to exit: then the thread stays here until it does. */
  write<T>(write: () => T): T {
    Atomics.store(this.#writing, this.#lane, 1);
    try {
      if (Atomics.load(this.#state, order) === exit) {
        this.#leave();
        for (;;) Atomics.wait(this.#state, order, exit);
      }
      return write();
    } finally {
      this.#leave();
      Atomics.add(this.#state, done, 1);
    }
  }

  #leave(): void {
    Atomics.store(this.#writing, this.#lane, 0);
    Atomics.notify(this.#writing, this.#lane);
  }
}
