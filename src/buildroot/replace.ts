import { randomUUID } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { kill, pid } from 'node:process';
import { errnoOf } from '../errors.ts';

/** The names of temporary files say whose they are. */
const temporaryName = /^\.pyclink-(\d+)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Makes a new file beside another and renames it over that one: a reader sees the old file or the new one, never
 * neither.
 * @param make creates the new file under the name it is given
 * @param isStillRight asked right before the rename; on false everything is left as it was
 * @returns whether the file was replaced
 * @throws what `make` and the rename throw; the temporary file is gone then
 */
export function replaceFile(
  path: string,
  make: (temporary: string) => void,
  isStillRight: (temporary: string) => boolean = () => true,
): boolean {
  const temporary = join(dirname(path), `.pyclink-${pid}-${randomUUID()}`);
  try {
    make(temporary);
    if (!isStillRight(temporary)) return false;
    renameSync(temporary, path);
    return true;
  } finally {
    // It is still there too if both names were links to one file: then rename does nothing.
    if (existsSync(temporary)) rmSync(temporary);
  }
}

/**
 * Removes the temporary files that a run which was killed has left in a directory, if it is one. Where that is not
 * possible they stay: what is to be written there says why.
 */
export function removeLeftovers(directory: string): void {
  for (const name of namesIn(directory)) {
    const owner = temporaryName.exec(name)?.[1];
    // No file of this very run is under way while this runs.
    if (owner === undefined || (Number(owner) !== pid && isRunning(Number(owner)))) continue;
    try {
      rmSync(join(directory, name), { force: true });
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
  }
}

function namesIn(directory: string): string[] {
  try {
    return lstatSync(directory).isDirectory() ? readdirSync(directory) : [];
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return [];
  }
}

function isRunning(owner: number): boolean {
  try {
    kill(owner, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}
