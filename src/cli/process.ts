import { readdirSync, readFileSync } from 'node:fs';
import { errnoOf, exitStatus } from '../errors.ts';
import { exitSignal, handleExitSignals, stopAll } from '../exit-signal.ts';

/** Runs pyclink in this process: its arguments, environment, streams and signals. @returns the exit status */
export async function run(): Promise<number> {
  handleExitSignals(handleSignals);
  // The kernel does not deliver unhandled signals to the first process of a container.
  if (process.pid === 1) exitSignal();
  const { main } = await import('./main.ts');
  return main(process.argv.slice(2), process.env, process);
}

/** Runs a thread of this process. */
export async function inThread(): Promise<void> {
  const { runThread } = await import('../pipeline/thread.ts');
  await runThread(() => process.exit());
}

/** Kills the interpreters: while they compile, they would not notice that this process ended. Needs /proc. */
function killChildren(): void {
  try {
    for (const thread of readdirSync('/proc/self/task')) {
      const children = readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean);
      for (const child of children) process.kill(Number(child), 'SIGKILL');
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}

/** Handles signals. Files are replaced in synchronous steps, which a handler never interrupts. */
function handleSignals(): void {
  for (const [signal, status] of [
    ['SIGINT', exitStatus.interrupted],
    ['SIGTERM', exitStatus.terminated],
  ] as const) {
    process.on(signal, async () => {
      await stopAll();
      killChildren();
      // End by the signal, not with a status: a shell goes on after a status, but not after a signal.
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
      process.exit(status);
    });
  }
}
