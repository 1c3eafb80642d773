import { type CompileOptions, compile, type Slots } from '../compile/compile.ts';
import { isCurrent } from '../compile/current.ts';
import type { JobQueue, WorkerPool } from '../compile/worker-pool.ts';
import type { NumberedJob } from './shared-jobs.ts';
import { keepPycs, type WriteOptions, type WrittenSource, writePycs } from './write-pycs.ts';

/** How a lane handles its sources. */
export interface LaneOptions extends WriteOptions, CompileOptions {
  /** Keep pycs that are current. */
  readonly keepCurrent: boolean;
}

/** Where a lane reports to. */
export interface LaneListener {
  /** Calls `write`, which writes the pycs of a source and links them. */
  write(write: () => WrittenSource): WrittenSource;
  /** The pycs of a source are written, or kept because they were current. */
  onWritten(job: NumberedJob, written: WrittenSource, wasCurrent: boolean): void;
}

/**
 * A lane: does everything for the sources of a queue, from compiling to linking. Lanes may share a queue.
 * @throws PyclinkError
 */
export async function runLane(
  pool: WorkerPool,
  jobs: JobQueue<NumberedJob>,
  slots: Slots,
  options: LaneOptions,
  listener: LaneListener,
): Promise<void> {
  const due = options.keepCurrent ? outdated(jobs, options, listener) : jobs;
  await compile(pool, due, slots, options, (outcome) => {
    listener.onWritten(
      outcome.job,
      listener.write(() => writePycs(outcome, options)),
      false,
    );
  });
}

/** The jobs that are not current. The others are kept when they are taken. */
function outdated(
  jobs: JobQueue<NumberedJob>,
  options: LaneOptions,
  { write, onWritten }: LaneListener,
): JobQueue<NumberedJob> {
  return {
    left: jobs.left,
    next: () => {
      for (;;) {
        const job = jobs.next();
        if (job === undefined || !isCurrent(job, options.invalidationMode)) return job;
        onWritten(
          job,
          write(() => keepPycs(job, options)),
          true,
        );
      }
    },
  };
}
