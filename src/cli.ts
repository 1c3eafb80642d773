import { readdirSync, readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { errnoOf, exitStatus } from './errors.ts';
import { exitSignal, handleExitSignals, stopAll } from './exit-signal.ts';

if (isMainThread) void start();
else void import('./pipeline/thread.ts').then(({ runThread }) => runThread(() => process.exit()));

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

async function start(): Promise<void> {
  handleExitSignals(handleSignals);
  // The kernel does not deliver unhandled signals to the first process of a container.
  if (process.pid === 1) exitSignal();
  let isSilenced = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      const errno = errnoOf(error);
      if (errno === undefined) throw error;
      // If the reader of a pipe ends, as head does, the work continues.
      if (errno === 'EPIPE') return;
      if (!isSilenced && stream === process.stdout) complain(`standard output cannot be written (${errno})`);
      isSilenced = true;
      process.exitCode = exitStatus.toolFailed;
    });
  }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    complain(`needs Node.js 20.19 or later, this is ${process.versions.node}`);
    process.exitCode = exitStatus.unusable;
    return;
  }
  try {
    process.cwd();
  } catch (error) {
    complain(`the current directory cannot be used (${errnoOf(error)})`);
    process.exitCode = exitStatus.unusable;
    return;
  }
  const { main } = await import('./cli/main.ts');
  // The exit status if Node.js runs out of work before the program has finished.
  process.exitCode = exitStatus.bug;
  process.once('exit', (code) => {
    if (code === exitStatus.bug && !hasAnswered) complain('a bug: it ended without a result');
  });
  let hasAnswered = false;
  const status = await main(process.argv.slice(2), process.env, process);
  hasAnswered = true;
  process.exitCode = isSilenced ? exitStatus.toolFailed : status;
}

function complain(message: string): void {
  process.stderr.write(`pyclink: error: ${message}\n`);
}
