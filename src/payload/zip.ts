import { basename } from 'node:path';
import type { Entry, ZipFile } from 'yauzl';
import { messageOf, PyclinkError } from '../errors.ts';
import { normalise, type PayloadPath } from '../files/path.ts';
import { pathText } from '../printable.ts';
import { searchTar } from './archive.ts';
import { Budget, type ReadLimits, tooLarge } from './budget.ts';
import { type Content, type Contents, contentsOf, type PayloadEntry, type Search } from './entry.ts';
import { unreadable } from './format.ts';
import { listedBy } from './listed.ts';
import { unpacked } from './open-tar.ts';
import { openZip } from './open-zip.ts';

/**
 * Searches a zip: a wheel, an egg, a zipapp, or modules that are imported from it; and a conda package, which has tars in
 * it. Nothing is unpacked to disk.
 * @throws PyclinkError `tool-failed` if the file cannot be read, or has nothing in it
 */
export async function searchZip(file: string, search: Search, limits: ReadLimits): Promise<Contents> {
  const budget = new Budget(file, limits);
  const isListed = listedBy(search);
  const entries = new Map<PayloadPath, PayloadEntry>();
  const mtimeIs = file.endsWith('.whl') ? 'of-installation' : 'rounded';
  try {
    const zip = await openZip(file);
    try {
      if (zip.entryCount === 0) throw new Error('it has no files in it');
      for await (const member of zip.eachEntry()) {
        budget.countEntry();
        const path = normalise(nameOf(member)) as PayloadPath;
        if (condaPart.test(path)) {
          const open = async () => unpacked((await zip.openReadStreamPromise(member))[Symbol.asyncIterator]());
          const source = { container: basename(file), prefix: `${file}\0${path}\0` };
          for (const entry of await searchTar(open, source, search, () => budget)) entries.set(entry.path, entry);
          continue;
        }
        const { mode, isSymlink } = unixMode(member);
        const type = isSymlink ? 'symlink' : member.fileName.endsWith('/') ? 'directory' : 'file';
        if (!isListed(path, type)) continue;
        const entry: PayloadEntry = {
          path,
          type,
          ...(isSymlink ? { target: textOf(await contentOf(zip, member, budget)) } : {}),
          file: `${file}\0${member.relativeOffsetOfLocalHeader}`,
          container: basename(file),
          sizeBytes: member.uncompressedSize,
          mode,
          owner: '',
          mtimeSeconds: secondsOf(member.getLastModDate({ timezone: 'local' })),
          dosTimeSeconds: secondsOf(member.getLastModDate({ timezone: 'local', forceDosFormat: true })),
          mtimeIs,
        };
        entries.set(path, entry);
        const take = type === 'file' ? search.visit(entry) : undefined;
        if (take !== undefined) take(await contentOf(zip, member, budget));
      }
    } finally {
      zip.close();
    }
  } catch (error) {
    throw error instanceof PyclinkError ? error : unreadable(file, messageOf(error), error);
  }
  return contentsOf([...entries.values()]);
}

function secondsOf(date: Date): number {
  return Math.trunc(date.getTime() / 1000);
}

/** @see https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/packages.html */
const condaPart = /^\/(?:pkg|info)-[^/]+\.tar\.zst$/;

async function contentOf(zip: ZipFile, member: Entry, budget: Budget): Promise<Content> {
  const refusal = tooLarge(member.uncompressedSize, budget.limits);
  if (refusal !== undefined) return refusal;
  const content = Buffer.allocUnsafe(member.uncompressedSize);
  let read = 0;
  for await (const chunk of budget.counted(await zip.openReadStreamPromise(member))) read += chunk.copy(content, read);
  return content.subarray(0, read);
}

function textOf(content: Content): string {
  return Buffer.isBuffer(content) ? content.toString() : '';
}

/** What yauzl shows of a name that is not UTF-8, and should be, may be that of another. */
function nameOf({ fileName, fileNameRaw }: Entry): string {
  return fileName.includes('\ufffd') ? pathText(fileNameRaw) : fileName;
}

/** The mode that a zip made on Unix has in the upper half of its external attributes. */
function unixMode({ versionMadeBy, externalFileAttributes }: Entry): { mode: number; isSymlink: boolean } {
  const unix = versionMadeBy >> 8 === 3 ? externalFileAttributes >>> 16 : 0;
  return { mode: unix & 0o7777, isSymlink: (unix & 0o170000) === 0o120000 };
}
