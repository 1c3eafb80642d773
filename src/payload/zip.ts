import { basename } from 'node:path';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { messageOf, PyclinkError } from '../errors.ts';
import { normalise, type PayloadPath } from '../files/path.ts';
import { Budget, type ReadLimits } from './budget.ts';
import { isWanted, type PayloadEntry, type Wanted } from './entry.ts';
import { readStart, unreadable } from './open-tar.ts';
import { factsOfContent } from './pyc-content.ts';

/** Whether a file is a zip, by its first four bytes; those of one without entries differ. @see APPNOTE.TXT, 4.3 */
export function isZip(file: string): boolean {
  return [0x504b0304, 0x504b0506].includes(readStart(file).readUInt32BE(0));
}

/**
 * Reads a zip: a wheel, or modules that are imported from it. Nothing is unpacked to disk.
 * @throws PyclinkError `tool-failed` if the file cannot be read
 */
export async function readZip(file: string, wanted: Wanted, limits: ReadLimits): Promise<PayloadEntry[]> {
  const budget = new Budget(file, limits);
  const entries = new Map<PayloadPath, PayloadEntry>();
  const mtimeIs = file.endsWith('.whl') ? 'of-installation' : 'rounded';
  try {
    const zip = await openPromise(file, { lazyEntries: true, autoClose: false });
    try {
      for await (const entry of zip.eachEntry()) {
        budget.countEntry();
        const path = normalise(entry.fileName) as PayloadPath;
        const { mode, isSymlink } = unixMode(entry);
        if (entry.fileName.endsWith('/') || !isWanted(path, wanted)) continue;
        const facts = isSymlink ? undefined : factsOfContent(path, wanted);
        entries.set(path, {
          path,
          container: basename(file),
          inode: path,
          isGhost: false,
          ...(isSymlink ? { isSymlink: true } : {}),
          sizeBytes: entry.uncompressedSize,
          mode,
          owner: '',
          mtimeSeconds: Math.trunc(entry.getLastModDate({ timezone: 'local' }).getTime() / 1000),
          mtimeIs,
          ...facts?.(await contentOf(zip, entry, budget)),
        });
      }
    } finally {
      zip.close();
    }
  } catch (error) {
    throw error instanceof PyclinkError ? error : unreadable(file, messageOf(error), error);
  }
  return [...entries.values()];
}

async function contentOf(zip: ZipFile, entry: Entry, budget: Budget): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of budget.counted(await zip.openReadStreamPromise(entry))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The mode that a zip made on Unix has in the upper half of its external attributes. */
function unixMode({ versionMadeBy, externalFileAttributes }: Entry): { mode: number; isSymlink: boolean } {
  const unix = versionMadeBy >> 8 === 3 ? externalFileAttributes >>> 16 : 0;
  return { mode: unix & 0o7777, isSymlink: (unix & 0o170000) === 0o120000 };
}
