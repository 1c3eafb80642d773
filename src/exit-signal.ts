let make: (() => AbortSignal) | undefined;
let made: AbortSignal | undefined;

/** Says how SIGINT and SIGTERM are handled. @param handle called once, when `exitSignal` is first called in this thread */
export function handleExitSignals(handle: () => AbortSignal): void {
  make = handle;
}

/**
 * Called before there is anything that may not outlive the process: a temporary file, a child process, a thread that
 * writes. Before the first call SIGINT and SIGTERM end the process wherever it is; from then on they wait for the event
 * loop, so what takes long has to be done in turns.
 * @returns what is aborted before the process ends; undefined in threads, which the main thread ends
 */
export function exitSignal(): AbortSignal | undefined {
  made ??= make?.();
  return made;
}
