import { isMainThread } from 'node:worker_threads';
import { errnoOf, exitStatus } from './errors.ts';
import { version } from './version.ts';

// The rest of the program has a bundle of its own.
if (isMainThread) void start();
else void import('./cli/process.ts').then(({ inThread }) => inThread());

async function start(): Promise<void> {
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
  if (process.argv.slice(2).join(' ') === '--version') {
    process.stdout.write(`${version}\n`);
    return;
  }
  const { run } = await import('./cli/process.ts');
  // The exit status if Node.js runs out of work before the program has finished.
  process.exitCode = exitStatus.bug;
  process.once('exit', (code) => {
    if (code === exitStatus.bug && !hasAnswered) complain('a bug: it ended without a result');
  });
  let hasAnswered = false;
  const status = await run();
  hasAnswered = true;
  process.exitCode = isSilenced ? exitStatus.toolFailed : status;
}

function complain(message: string): void {
  process.stderr.write(`pyclink: error: ${message}\n`);
}
