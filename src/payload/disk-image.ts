import { basename, join } from 'node:path';
import { openTree } from '../buildroot/open.ts';
import { PyclinkError } from '../errors.ts';
import { childOf, type PayloadPath, parentOf } from '../files/path.ts';
import { getOrAdd, groupBy } from '../get-or-add.ts';
import { pathText } from '../printable.ts';
import type { ReadLimits } from './budget.ts';
import type { Contents, PayloadEntry, Search } from './entry.ts';
import { TemporaryDirectory } from './extract.ts';
import { run } from './program.ts';
import { searchTree } from './tree.ts';

/** A program that extracts a file system to a new directory. */
interface Extractor {
  readonly command: string;
  readonly args: (directory: string, image: string) => readonly string[];
  /** The command that lists or counts the content. */
  readonly list: readonly [command: string, ...args: readonly string[]];
  /** Matches each size in the list, or their sum. */
  readonly size: RegExp;
  /** Matches errors for ordinary users that do not matter: device nodes contain no bytecode. */
  readonly harmless?: RegExp;
  /** Matches errors that do not change the exit status. */
  readonly error?: RegExp;
}

const squashfs: Extractor = {
  command: 'unsquashfs',
  args: (directory, image) => ['-quiet', '-no-progress', '-no-xattrs', '-dest', directory, image],
  list: ['unsquashfs', '-lln'],
  size: /^-\S+\s+\d+\/\d+\s+(\d+) /gm,
  harmless: /because you're not superuser!$/,
};

const erofs: Extractor = {
  command: 'fsck.erofs',
  args: (directory, image) => [`--extract=${directory}`, image],
  list: ['dump.erofs', '-S'],
  size: /^Filesystem total original file size:\s+(\d+) Bytes$/gm,
  // erofs-utils 1.8 exits with 0 if it cannot read a directory.
  error: /^<E> erofs: .*/m,
};

/** Searches a squashfs image. @see searchExtracted */
export function searchSquashfs(image: string, search: Search, limits: ReadLimits): Promise<Contents> {
  return searchExtracted(squashfs, image, search, limits);
}

/** Searches an erofs image. @see searchExtracted */
export async function searchErofs(image: string, search: Search, limits: ReadLimits): Promise<Contents> {
  const contents = await searchExtracted(erofs, image, search, limits);
  return { ...contents, entries: await withErofsLinks(contents.entries, image) };
}

/**
 * Merges hard links in an erofs image, which fsck.erofs before 1.7 extracts as separate files. Only looks at
 * directories where two files have the same size.
 */
async function withErofsLinks(entries: readonly PayloadEntry[], image: string): Promise<PayloadEntry[]> {
  const files = groupBy(entries, ({ type, path, sizeBytes }) =>
    type === 'file' ? `${parentOf(path)}\0${sizeBytes}` : undefined,
  );
  const isApart = ([first, ...others]: readonly PayloadEntry[]) => others.some(({ file }) => file !== first?.file);
  const directories = new Set(
    [...files.values()].filter(isApart).map(([first]) => parentOf(first?.path ?? ('/' as PayloadPath))),
  );
  const inodes = new Map<string, string>();
  for (const directory of directories) {
    const listing = await outputFor(erofs, 'dump.erofs', [`--path=${directory}`, '--ls', image]);
    const names = listing.replace(/^[\s\S]*NID TYPE {2}FILENAME\n/, '').matchAll(/^ *(\d+) +\d+ {2}(.+)$/gm);
    for (const [, inode = '', name = ''] of names)
      inodes.set(childOf(directory, pathText(Buffer.from(name, 'latin1'))), inode);
  }
  const firsts = new Map<string, string>();
  return entries.map((entry) => {
    const inode = inodes.get(entry.path);
    return inode === undefined ? entry : { ...entry, file: getOrAdd(firsts, inode, () => entry.file) };
  });
}

/**
 * Extracts an image to a private directory, searches it, and removes the directory.
 * @throws if the image is damaged or too large, or the program is not installed
 */
async function searchExtracted(
  extractor: Extractor,
  image: string,
  search: Search,
  limits: ReadLimits,
): Promise<Contents> {
  const [command, ...args] = extractor.list;
  const sizes = Array.from((await outputFor(extractor, command, [...args, image])).matchAll(extractor.size));
  const sizeBytes = sizes.reduce((sum, [, size]) => sum + Number(size), 0);
  if (sizeBytes > limits.maxBytes || sizes.length > limits.maxEntries) {
    const hint = '--max-size and --max-entries raise the limits';
    throw new PyclinkError('tool-failed', `exceeds the limits: ${sizes.length} files with ${sizeBytes} bytes`, {
      path: image,
      hint,
    });
  }
  const directory = new TemporaryDirectory();
  try {
    const root = join(directory.path, 'root');
    await outputFor(extractor, extractor.command, extractor.args(root, image));
    const names = new Map<string, string>();
    /** Another search extracts it again and lists other names, so a file is identified by its first name. */
    const everything: Search = { names: /^/, directories: true, visit: () => undefined };
    for (const { path, file } of searchTree(openTree(root), everything, limits).entries) {
      if (extractor === erofs && path.includes('\n')) {
        throw new PyclinkError('tool-failed', 'has a name with a line break, which dump.erofs prints like two names', {
          path: image,
        });
      }
      getOrAdd(names, file, () => `${image}\0${path}`);
    }
    const inImage = (entry: PayloadEntry): PayloadEntry => ({
      ...entry,
      container: basename(image),
      file: getOrAdd(names, entry.file, () => `${image}\0${entry.path}`),
    });
    const visit: Search['visit'] = (entry) => search.visit(inImage(entry));
    const { entries, unreadable } = searchTree(openTree(root), { ...search, visit }, limits);
    return { entries: entries.map(inImage), removedBy: new Map(), unreadable };
  } finally {
    directory.remove();
  }
}

/** @returns its standard output @throws if it fails, but not because of harmless errors */
async function outputFor({ harmless, error }: Extractor, command: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr, failure } = await run(command, args);
  const silent = error?.exec(stderr)?.[0];
  if (failure === undefined && silent === undefined) return stdout;
  const lines = stderr.split('\n').filter((line) => line !== '' && harmless?.test(line) !== true);
  if (lines.length === 0 && harmless !== undefined && stderr !== '') return stdout;
  throw new Error(`${command}: ${silent ?? lines.at(-1) ?? failure?.message}`);
}
