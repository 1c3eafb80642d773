import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { errnoOf, PyclinkError } from '../errors.ts';
import { ifPossible } from '../files/if-possible.ts';
import { trustedPath } from '../files/program-path.ts';
import { fstat, lstatIfAny } from '../files/stat.ts';

/** After this long a run says that it waits, and after that long it gives up. In milliseconds. */
interface Patience {
  readonly quietMs: number;
  readonly maxMs: number;
}

const patient: Patience = { quietMs: 1000, maxMs: 600_000 };

/**
 * Has the file to itself while `work` reads it and replaces it: of other runs only one at a time gets this far. The lock
 * is flock(2) on a file in its directory, which the kernel takes away however this process ends, and which works on NFS.
 * Node.js cannot lock; flock(1) does it on the same open file. Nobody else's file has its name, which is one for the whole
 * directory: it fits however long the name of the other file is.
 * @param warn told if the run has to wait, or goes on without a lock because there can be none
 * @throws PyclinkError `file-failed` if there is no lock in time, and what `work` throws
 */
export async function withLock<T>(
  file: string,
  warn: (message: string) => unknown,
  work: () => T | Promise<T>,
  patience = patient,
): Promise<T> {
  const path = join(dirname(file), '.pyclink-lock');
  const descriptor = await lock(path, warn, patience);
  try {
    return await work();
  } finally {
    // Who writes to a file of this name made it for something else.
    if (fstat(descriptor).sizeBytes === 0) ifPossible(() => unlinkSync(path));
    closeSync(descriptor);
  }
}

/** @returns the locked file, which still has its name: a run that is done removes it */
async function lock(path: string, warn: (message: string) => unknown, patience: Patience): Promise<number> {
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

async function flock(descriptor: number, path: string, warn: (message: string) => unknown, patience: Patience) {
  // execa takes a descriptor, but its types do not say so.
  const stdin = descriptor as unknown as 'inherit';
  const env = { PATH: trustedPath() };
  const attempt = (timeout: number) => execa('flock', ['0'], { stdin, stdout: 'ignore', reject: false, env, timeout });
  let done = await attempt(patience.quietMs);
  if (done.timedOut) {
    await warn(`waiting for another process that has locked ${path}`);
    done = await attempt(patience.maxMs);
  }
  if (done.timedOut) {
    const minutes = patience.maxMs / 60_000;
    throw new PyclinkError('file-failed', `another process has locked it for ${minutes} minutes`, { path });
  }
  if (done.exitCode === 0) return;
  const reason = done.code === 'ENOENT' ? 'flock(1) is not installed' : done.stderr.trim() || done.shortMessage;
  await warn(`${path}: not locked (${reason}): runs that append at the same time may lose records`);
}
