import { basename } from 'node:path';
import { type Entry, getFileNameLowLevel, type LocalFileHeader, parseExtraFields, type ZipFile } from 'yauzl';
import { type PayloadPath, plainPath } from '../files/path.ts';
import { pathText } from '../printable.ts';
import { searchTar } from './archive.ts';
import { Budget, type ReadLimits, tooLarge } from './budget.ts';
import { type Content, type Contents, contentsOf, listedBy, type PayloadEntry, type Search } from './entry.ts';
import { unpacked } from './open-tar.ts';
import { openZip } from './open-zip.ts';

/**
 * Searches a zip: a wheel, an egg, a zipapp, importable modules, or a conda package, which contains tars. Unpacks
 * nothing to disk.
 * @throws if the file cannot be read, is empty, or programs interpret it differently
 */
export async function searchZip(file: string, search: Search, limits: ReadLimits): Promise<Contents> {
  const budget = new Budget(file, limits);
  const isListed = listedBy(search);
  const entries = new Map<PayloadPath, PayloadEntry>();
  const mtimeIs = file.endsWith('.whl') ? 'of-installation' : 'rounded';
  const contents = () => contentsOf([...entries.values()]);
  const { zip, directoryEnd } = await openZip(file);
  /** Paths, and whether they are directories. */
  const paths = new Map<PayloadPath, boolean>();
  const parts: [PayloadPath, Entry][] = [];
  try {
    if (zip.entryCount === 0) throw new Error('it contains no files');
    for await (const member of zip.eachEntry()) {
      budget.countEntry();
      const path = plainPath(nameOf(member, await zip.readLocalFileHeaderPromise(member))) as PayloadPath;
      if (paths.has(path) && !(isDirectory(member) && paths.get(path) === true)) {
        throw new Error(`${path} is in it twice, and programs differ in which one they use`);
      }
      paths.set(path, isDirectory(member));
      if (condaPart.test(path)) parts.push([path, member]);
      const { mode, isSymlink } = unixMode(member);
      const type = isSymlink ? 'symlink' : isDirectory(member) ? 'directory' : 'file';
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
    if (Number(zip.readEntryCursor) !== directoryEnd)
      throw new Error('its central directory does not end where its entries do');
    if (parts.length === 0 || !(file.endsWith('.conda') || paths.has(condaMetadata))) return contents();
    const beside = contents().entries.find(({ type }) => type !== 'directory')?.path;
    if (beside !== undefined) throw new Error(`it is a conda package with an extra file: ${beside}`);
    for (const [path, member] of parts) {
      const open = async () => unpacked((await zip.openReadStreamPromise(member))[Symbol.asyncIterator]());
      const source = { container: basename(file), prefix: `${file}\0${path}\0` };
      for (const entry of await searchTar(open, source, search, () => budget)) {
        const isTwice = entry.type !== 'directory' && entries.has(entry.path);
        if (isTwice) throw new Error(`${entry.path} is in it twice, and programs differ in which one they use`);
        entries.set(entry.path, entry);
      }
    }
  } finally {
    zip.close();
  }
  return contents();
}

function secondsOf(date: Date): number {
  return Math.trunc(date.getTime() / 1000);
}

/** @see https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/packages.html */
const condaPart = /^\/(?:pkg|info)-[^/]+\.tar\.zst$/;
const condaMetadata = '/metadata.json' as PayloadPath;

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

/**
 * The name of a member. yauzl may show an invalid UTF-8 name like that of another member.
 * @param local the header before its bytes, all that a program sees that reads the zip as a stream
 * @throws if programs interpret it differently: it contains a NUL, an extra field has another name, which Python does
 *   not read, or the local header has another name or size
 */
function nameOf(member: Entry, local: LocalFileHeader): string {
  const { fileName, fileNameRaw, generalPurposeBitFlag } = member;
  const raw = getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, [], false);
  const isOther = !local.fileName.equals(fileNameRaw) || (fileName !== raw && fileName !== pathText(fileNameRaw));
  if (fileNameRaw.includes(0) || isOther) throw new Error(`it has a name that programs interpret differently: ${raw}`);
  if (!hasSizesOf(member, local)) throw new Error(`it has a size that programs interpret differently: ${raw}`);
  return fileName.includes('\ufffd') ? pathText(fileNameRaw) : fileName;
}

/** Whether the sizes are the same, as far as the local header has them: they may follow the bytes. */
function hasSizesOf(member: Entry, local: LocalFileHeader): boolean {
  const extra = parseExtraFields(local.extraField).find(({ id }) => id === 1)?.data ?? Buffer.of();
  const follow = (local.generalPurposeBitFlag & 8) !== 0;
  return (['uncompressedSize', 'compressedSize'] as const).every((field, i) => {
    const long = extra.length < 16 ? [] : [Number(extra.readBigUInt64LE(8 * i))];
    const given = local[field] === 0xffffffff ? long : [local[field], ...long];
    return given.length > 0 && given.every((size) => size === member[field] || (follow && size === 0));
  });
}

function isDirectory({ fileName }: Entry): boolean {
  return fileName.endsWith('/');
}

/** The mode from the upper half of the external attributes, in zips made on Unix. */
function unixMode({ versionMadeBy, externalFileAttributes }: Entry): { mode: number; isSymlink: boolean } {
  const unix = versionMadeBy >> 8 === 3 ? externalFileAttributes >>> 16 : 0;
  return { mode: unix & 0o7777, isSymlink: (unix & 0o170000) === 0o120000 };
}
