import { basename } from 'node:path';
import { messageOf, PyclinkError } from '../errors.ts';
import { Budget, type ReadLimits } from './budget.ts';
import { type Contents, contentsOf, type Search, type TakeContent } from './entry.ts';
import { openTar, unreadable } from './open-tar.ts';
import { readTar, type TarContents } from './tar.ts';

/**
 * Searches a Debian package or a tar, plain or compressed with gzip, xz or zstd; packages of Arch and Alpine are such
 * tars. Nothing is unpacked to disk.
 * @throws PyclinkError `tool-failed` if the file cannot be read
 */
export async function searchArchive(file: string, search: Search, limits: ReadLimits): Promise<Contents> {
  const container = basename(file);
  const pass = async (again?: ReadonlyMap<string, TakeContent>): Promise<TarContents> => {
    try {
      const source = { container, prefix: `${file}\0` };
      return await readTar(openTar(file), search, source, new Budget(file, limits), again);
    } catch (error) {
      throw error instanceof PyclinkError ? error : unreadable(file, messageOf(error), error);
    }
  };
  const { entries, unread } = await pass();
  if (unread.size > 0) await pass(unread);
  return contentsOf([...entries.values()]);
}
