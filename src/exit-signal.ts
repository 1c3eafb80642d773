import { setTimeout as sleep } from 'node:timers/promises';

let make: (() => void) | undefined;

/** What has to stop before the process ends. */
const stops = new Set<() => Promise<unknown>>();

/** Whatever has not stopped after this time is stuck in the kernel. */
const maxStopMs = 10_000;

/** Sets the handler for SIGINT and SIGTERM. @param handle called once, at the first `exitSignal` of this thread */
export function handleExitSignals(handle: () => void): void {
  make = handle;
}

/**
 * Call this before creating anything that must not outlive the process: a temporary file, a child process, a thread
 * that writes. Until the first call, SIGINT and SIGTERM end the process at once. After it they wait for the event loop,
 * so long work has to yield.
 */
export function exitSignal(): void {
  make?.();
  make = undefined;
}

/** Makes the end by a signal wait for `stop`. @returns a function that removes it */
export function beforeExit(stop: () => Promise<unknown>): () => void {
  stops.add(stop);
  return () => stops.delete(stop);
}

/** Stops everything that has to stop before the process ends. */
export async function stopAll(): Promise<void> {
  if (stops.size > 0) await Promise.race([Promise.all(Array.from(stops, (stop) => stop())), sleep(maxStopMs)]);
}
