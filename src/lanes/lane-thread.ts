import { parentPort, workerData } from 'node:worker_threads';
import { type CacheCounts, emptyCounts } from '../cache/counts.ts';
import type { Environment } from '../compile/environment.ts';
import type { CompilerFacts } from '../compile/protocol.ts';
import { WorkerPool } from '../compile/worker-pool.ts';
import { type ErrorCode, PyclinkError } from '../errors.ts';
import { buffersOf, RecordCollector, type RecordColumns } from '../manifest/record-columns.ts';
import type { Skipped } from '../skipped.ts';
import { type LaneOptions, runLane, sourceCache } from './lane.ts';
import { type LaneControl, LaneReporter } from './lane-control.ts';
import { type SharedJobs, sharedQueue } from './shared-jobs.ts';

/** What a lane in a thread is given. */
export interface LaneOrder {
  /** Its number. */
  readonly lane: number;
  /** The jobs of each interpreter, and how many interpreters the lane may run. */
  readonly work: readonly {
    readonly jobs: SharedJobs;
    /** Of the interpreter. */
    readonly environment: Environment;
    /** What its first worker said. */
    readonly facts: CompilerFacts;
    /** What a CompilerDigest gave. Not there if the pycs are not for a cache. */
    readonly compiler?: { readonly digest: string | undefined } | undefined;
    readonly slots: number;
  }[];
  readonly options: LaneOptions;
  readonly control: LaneControl;
}

/** What a lane gives back when it is done: for each interpreter, the records. */
export interface LaneResult {
  readonly records: readonly RecordColumns[];
  readonly skipped: readonly Skipped[];
  readonly warnings: readonly string[];
  /** How many sources had current pycs. */
  readonly current: number;
  readonly cache: CacheCounts;
}

/** A PyclinkError on its way from a thread. */
export interface LaneFailure {
  readonly failure: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly path?: string;
    readonly hint?: string;
  };
}

/** Runs a lane in this thread, and sends its result to the main thread. Other errors than PyclinkError end the thread. */
export async function runLaneThread(): Promise<void> {
  const order = workerData as LaneOrder;
  try {
    const result = await laneResult(order);
    parentPort?.postMessage(result, result.records.flatMap(buffersOf));
  } catch (error) {
    if (!(error instanceof PyclinkError)) throw error;
    const { code, message, path, hint } = error;
    parentPort?.postMessage({ failure: { code, message, path, hint } });
  }
}

async function laneResult({ lane, work, options, control }: LaneOrder): Promise<LaneResult> {
  const reporter = new LaneReporter(control, lane);
  const [skipped, warnings]: [Skipped[], string[]] = [[], []];
  const records: RecordColumns[] = [];
  const counts = emptyCounts();
  let current = 0;
  for (const { jobs, environment, facts, compiler, slots } of work) {
    const collector = new RecordCollector();
    const pool = new WorkerPool(environment, { interpreter: jobs.interpreter, compiler: facts, workers: [] });
    pool.maxWorkers = slots;
    const next = sharedQueue(jobs);
    try {
      await runLane(
        pool,
        () => (reporter.isOver ? undefined : next()),
        options,
        {
          write: (write) => reporter.write(write),
          onWritten: (job, written, wasCurrent) => {
            for (const record of written.records) collector.add(job.number, record);
            skipped.push(...written.skipped);
            warnings.push(...written.warnings);
            if (wasCurrent) current += 1;
          },
        },
        await sourceCache(options, compiler && (() => compiler.digest), counts),
      );
    } finally {
      await pool.close();
    }
    records.push(collector.columns());
  }
  return { records, skipped, warnings, current, cache: counts };
}
