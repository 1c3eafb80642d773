import { randomUUID } from 'node:crypto';
import { readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { kill, pid } from 'node:process';
import { errnoOf } from '../errors.ts';
import { exitSignal } from '../exit-signal.ts';
import { withDirectory } from './directory.ts';
import { ifPossible } from './if-possible.ts';

const first = randomUUID();
let count = 0;

/** A new name for a temporary file, with the process id of its owner. */
export function temporaryName(): string {
  exitSignal();
  count += 1;
  return `.pyclink-${pid}-${first.slice(0, -12)}${count.toString(16).padStart(12, '0')}`;
}

const ownerInName = /^\.pyclink-(\d+)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Removes the temporary files that killed runs left in a directory. Errors are ignored here: writing to the directory
 * will report them.
 */
export function removeLeftovers(directory: string): void {
  ifPossible(() =>
    withDirectory(directory, (held) => {
      for (const name of readdirSync(held)) {
        const owner = ownerInName.exec(name)?.[1];
        // This process has no temporary file at this point.
        if (owner === undefined || (Number(owner) !== pid && isRunning(Number(owner)))) continue;
        ifPossible(() => unlinkSync(join(held, name)));
      }
    }),
  );
}

function isRunning(owner: number): boolean {
  try {
    kill(owner, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}
