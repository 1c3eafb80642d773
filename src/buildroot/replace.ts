import { randomUUID } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** How the names of temporary files begin. */
const temporaryPrefix = '.pyclink-';

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
  const temporary = join(dirname(path), `${temporaryPrefix}${randomUUID()}`);
  let replaced = false;
  try {
    make(temporary);
    if (isStillRight(temporary)) {
      renameSync(temporary, path);
      replaced = true;
    }
  } finally {
    if (!replaced) rmSync(temporary, { force: true });
  }
  return replaced;
}
