import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { kill, pid } from 'node:process';
import { errnoOf } from '../errors.ts';
import { exitSignal } from '../exit-signal.ts';
import { sha256Of } from '../sha256.ts';
import { withDirectory } from './directory.ts';
import { ifPossible } from './if-possible.ts';
import { lstat } from './stat.ts';

/** Identifies one boot and one PID namespace, where process ids are valid. Undefined without /proc. */
const space = ifPossible(() => {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
  return sha256Of(Buffer.from(boot + readlinkSync('/proc/self/ns/pid'))).slice(0, 8);
});

const own = randomUUID();
let count = 0;

/** A new name for a temporary file. It contains the process id of its owner, and where that id is valid. */
export function temporaryName(): string {
  exitSignal();
  count += 1;
  return `.pyclink-${pid}-${space ?? own.slice(0, 8)}${own.slice(8, -12)}${count.toString(16).padStart(12, '0')}`;
}

const ownerInName = /^\.pyclink-(\d+)-([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The age from which a temporary file counts as a leftover. */
const leftoverMs = 3_600_000;

/**
 * Removes temporary files that killed runs left in a directory: files of this machine and PID namespace if their
 * process has ended, other files if they are old. Ignores errors; writing to the directory will report them.
 */
export function removeLeftovers(directory: string): void {
  ifPossible(() =>
    withDirectory(directory, (held) => {
      for (const name of readdirSync(held)) {
        const [, owner, where] = ownerInName.exec(name) ?? [];
        const path = join(held, name);
        // This process has no temporary files at this point.
        const isInUse = () =>
          where === space ? Number(owner) !== pid && isRunning(Number(owner)) : ageMs(path) < leftoverMs;
        if (owner !== undefined && !isInUse()) ifPossible(() => unlinkSync(path));
      }
    }),
  );
}

/** Uses the ctime, because the mtime may be copied from the replaced file. @throws the system's error */
function ageMs(path: string): number {
  return Date.now() - Number(lstat(path).changedNs / 1_000_000n);
}

function isRunning(owner: number): boolean {
  try {
    kill(owner, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}
