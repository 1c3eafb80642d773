import { basename } from 'node:path';
import { messageOf, PyclinkError } from '../errors.ts';
import type { PayloadPath } from '../files/path.ts';
import { Budget, type ReadLimits } from './budget.ts';
import { isWanted, type PayloadEntry, type Wanted } from './entry.ts';
import { openTar, unreadable } from './open-tar.ts';
import { contentless, readTar, type TarEntry } from './tar.ts';

/**
 * Reads a Debian package or a tar, plain or compressed with gzip, xz or zstd; layers of container images and packages of
 * Arch and Alpine are such tars. Nothing is unpacked to disk.
 * @throws PyclinkError `tool-failed` if the file cannot be read
 */
export async function readArchive(file: string, wanted: Wanted, limits: ReadLimits): Promise<PayloadEntry[]> {
  let stored = await readOnce(file, wanted, limits);
  const contents = contentless(stored, wanted);
  if (contents.size > 0) stored = await readOnce(file, { ...wanted, contents }, limits);
  return Array.from(stored.values())
    .filter(({ path }) => isWanted(path, wanted))
    .map((entry) => payloadEntry(basename(file), entry, stored));
}

async function readOnce(file: string, wanted: Wanted, limits: ReadLimits): Promise<ReadonlyMap<PayloadPath, TarEntry>> {
  try {
    return await readTar(openTar(file), wanted, new Budget(file, limits));
  } catch (error) {
    throw error instanceof PyclinkError ? error : unreadable(file, messageOf(error), error);
  }
}

/** The entry of a name. For a hard link, with the facts of the file that it names. */
function payloadEntry(container: string, entry: TarEntry, stored: ReadonlyMap<PayloadPath, TarEntry>): PayloadEntry {
  const { linkTo, path, ...facts } = (entry.linkTo && stored.get(entry.linkTo)) ?? entry;
  return { ...facts, path: entry.path, container, inode: linkTo ?? path, isGhost: false };
}
