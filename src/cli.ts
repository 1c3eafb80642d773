import { isMainThread } from 'node:worker_threads';
import { runLaneThread } from './build/lane-thread.ts';
import { main } from './cli/main.ts';
import { errnoOf, exitStatus } from './errors.ts';
import { createLog } from './log.ts';

if (isMainThread) start();
else void runLaneThread();

function start(): void {
  const exiting = new AbortController();
  // Files are replaced in synchronous steps, so nothing is left half done. Threads wait; workers end with this process.
  for (const [signal, status] of [
    ['SIGINT', exitStatus.interrupted],
    ['SIGTERM', exitStatus.terminated],
  ] as const) {
    process.once(signal, () => {
      exiting.abort();
      process.exit(status);
    });
  }
  // If the reader of a pipe goes away, as head does, the work goes on.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (errnoOf(error) !== 'EPIPE') throw error;
    });
  }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    createLog('info', 'lines', process.stderr).error(`needs Node.js 20.19 or later, this is ${process.versions.node}`);
    process.exitCode = exitStatus.unusable;
  } else {
    void main(process.argv.slice(2), process.env, process, exiting.signal).then((status) => {
      process.exitCode = status;
    });
  }
}
