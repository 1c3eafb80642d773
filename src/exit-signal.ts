import { setTimeout as sleep } from 'node:timers/promises';

let make: (() => void) | undefined;

/** What has to end before the process does. */
const stops = new Set<() => Promise<unknown>>();

/** What has not ended after this time is stuck in the kernel. */
const maxStopMs = 10_000;

/** Says how SIGINT and SIGTERM are handled. @param handle called once, when `exitSignal` is first called in this thread */
export function handleExitSignals(handle: () => void): void {
  make = handle;
}

/**
 * Called before there is anything that may not outlive the process: a temporary file, a child process, a thread that
 * writes. Before the first call SIGINT and SIGTERM end the process wherever it is; from then on they wait for the event
 * loop, so what takes long has to be done in turns.
 */
export function exitSignal(): void {
  make?.();
  make = undefined;
}

/** Has the end by a signal wait for this. @returns removes it */
export function beforeExit(stop: () => Promise<unknown>): () => void {
  stops.add(stop);
  return () => stops.delete(stop);
}

/** Ends what has to end before the process does. */
export async function stopAll(): Promise<void> {
  if (stops.size > 0) await Promise.race([Promise.all(Array.from(stops, (stop) => stop())), sleep(maxStopMs)]);
}
