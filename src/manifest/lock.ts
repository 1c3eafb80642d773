import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { errnoOf, PyclinkError } from '../errors.ts';
import { beforeExit, exitSignal } from '../exit-signal.ts';
import { ifPossible } from '../files/if-possible.ts';
import { trustedPath } from '../files/program-path.ts';
import { fstat, lstatIfAny } from '../files/stat.ts';

/** The times in milliseconds after which a run reports that it waits, and after which it gives up. */
const patient = { quietMs: 1000, maxMs: 600_000 };

/**
 * Locks a file while `work` reads and replaces it, so that only one run at a time does so. The lock is flock(2) on a
 * file in the same directory: the kernel releases it however this process ends, and it works on NFS. Node.js has no
 * such call, so flock(1) locks the same open file. All files in a directory share one lock file: its name is never too
 * long, and no other program uses it.
 * @param warn called if the run has to wait, or continues without a lock because locking is impossible
 * @throws PyclinkError `file-failed` if the lock times out, and what `work` throws
 */
export async function withLock<T>(
  file: string,
  warn: (message: string) => void,
  work: () => T | Promise<T>,
  patience = patient,
): Promise<T> {
  const path = join(dirname(file), '.pyclink-lock');
  exitSignal();
  const descriptor = await lock(path, warn, patience);
  const remove = async () => {
    // A non-empty file of this name belongs to somebody else.
    if (fstat(descriptor).sizeBytes === 0) ifPossible(() => unlinkSync(path));
  };
  const forget = beforeExit(remove);
  try {
    return await work();
  } finally {
    forget();
    await remove();
    closeSync(descriptor);
  }
}

/** @returns the locked file. It still has its name: other runs remove it when they finish */
async function lock(path: string, warn: (message: string) => void, patience: typeof patient): Promise<number> {
  for (;;) {
    const descriptor = open(path);
    try {
      await flock(descriptor, path, warn, patience);
      if (fstat(descriptor).identity === lstatIfAny(path)?.identity) return descriptor;
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    closeSync(descriptor);
  }
}

function open(path: string): number {
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  let descriptor: number;
  try {
    descriptor = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o666);
  } catch (error) {
    throw new PyclinkError('file-failed', `cannot be opened (${errnoOf(error)})`, { path, cause: error });
  }
  if (fstat(descriptor).kind === 'file') return descriptor;
  closeSync(descriptor);
  throw new PyclinkError('file-failed', 'is not a regular file', { path });
}

async function flock(descriptor: number, path: string, warn: (message: string) => void, patience: typeof patient) {
  // execa accepts a descriptor, but its types do not.
  const stdin = descriptor as unknown as 'inherit';
  const env = { PATH: trustedPath() };
  const attempt = (timeout: number) => execa('flock', ['0'], { stdin, stdout: 'ignore', reject: false, env, timeout });
  let done = await attempt(patience.quietMs);
  if (done.timedOut) {
    warn(`waiting for another process that has locked ${path}`);
    done = await attempt(patience.maxMs);
  }
  if (done.timedOut) {
    const minutes = patience.maxMs / 60_000;
    throw new PyclinkError('file-failed', `another process has locked it for ${minutes} minutes`, { path });
  }
  if (done.exitCode === 0) return;
  const reason = done.code === 'ENOENT' ? 'flock(1) is not installed' : done.stderr.trim() || done.shortMessage;
  warn(`${path}: not locked (${reason}): runs that append at the same time may lose records`);
}
