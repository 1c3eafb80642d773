import { basename, join } from 'node:path';
import { execa } from 'execa';
import { openTree } from '../buildroot/open.ts';
import { PyclinkError } from '../errors.ts';
import { exitSignal } from '../exit-signal.ts';
import { childOf, type PayloadPath, parentOf } from '../files/path.ts';
import { trustedPath } from '../files/program-path.ts';
import { getOrAdd } from '../get-or-add.ts';
import type { ReadLimits } from './budget.ts';
import type { Contents, PayloadEntry, Search } from './entry.ts';
import { TemporaryDirectory } from './extract.ts';
import { searchTree } from './tree.ts';

/** A program that extracts a file system to a new directory. */
interface Extractor {
  readonly command: string;
  readonly args: (directory: string, image: string) => readonly string[];
  /** The command that lists or counts the content. */
  readonly list: readonly [command: string, ...args: readonly string[]];
  /** Matches each size in the list, or their sum. */
  readonly size: RegExp;
  readonly package: string;
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
  package: 'squashfs-tools',
  harmless: /because you're not superuser!$/,
};

const erofs: Extractor = {
  command: 'fsck.erofs',
  args: (directory, image) => [`--extract=${directory}`, image],
  list: ['dump.erofs', '-S'],
  size: /^Filesystem total original file size:\s+(\d+) Bytes$/gm,
  package: 'erofs-utils',
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
  const files = new Map<string, PayloadEntry[]>();
  for (const entry of entries) {
    if (entry.type === 'file') getOrAdd(files, `${parentOf(entry.path)}\0${entry.sizeBytes}`, () => []).push(entry);
  }
  const isApart = ([first, ...others]: readonly PayloadEntry[]) => others.some(({ file }) => file !== first?.file);
  const directories = new Set(
    [...files.values()].filter(isApart).map(([first]) => parentOf(first?.path ?? ('/' as PayloadPath))),
  );
  const inodes = new Map<string, string>();
  for (const directory of directories) {
    const listing = await run(erofs, 'dump.erofs', [`--path=${directory}`, '--ls', image], image);
    const names = listing.replace(/^[\s\S]*NID TYPE {2}FILENAME\n/, '').matchAll(/^ *(\d+) +\d+ {2}(.+)$/gm);
    for (const [, inode = '', name = ''] of names) inodes.set(childOf(directory, name), inode);
  }
  const firsts = new Map<string, string>();
  return entries.map((entry) => {
    const inode = inodes.get(entry.path);
    return inode === undefined ? entry : { ...entry, file: getOrAdd(firsts, inode, () => entry.file) };
  });
}

/**
 * Extracts an image to a private directory, searches it, and removes the directory.
 * @throws PyclinkError `tool-failed` if the image is damaged or too large, or the program is not installed
 */
async function searchExtracted(
  extractor: Extractor,
  image: string,
  search: Search,
  limits: ReadLimits,
): Promise<Contents> {
  const [command, ...args] = extractor.list;
  const sizes = Array.from((await run(extractor, command, [...args, image], image)).matchAll(extractor.size));
  const sizeBytes = sizes.reduce((sum, [, size]) => sum + Number(size), 0);
  if (sizeBytes > limits.maxBytes || sizes.length > limits.maxEntries) {
    const hint = '--max-size and --max-entries raise the limits';
    throw new PyclinkError('tool-failed', `contains ${sizes.length} files of ${sizeBytes} bytes in all`, {
      path: image,
      hint,
    });
  }
  const directory = new TemporaryDirectory();
  try {
    const root = join(directory.path, 'root');
    await run(extractor, extractor.command, extractor.args(root, image), image);
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

/** @returns its standard output @throws PyclinkError `tool-failed` */
async function run(
  { package: name, harmless, error }: Extractor,
  command: string,
  args: readonly string[],
  path: string,
): Promise<string> {
  exitSignal();
  const { stdout, stderr, failed, code, shortMessage } = await execa(command, args, {
    stdin: 'ignore',
    reject: false,
    env: { PATH: trustedPath() },
  });
  const silent = error?.exec(stderr)?.[0];
  if (!failed && silent === undefined) return stdout;
  if (code === 'ENOENT') {
    const hint = `install ${name}`;
    throw new PyclinkError('tool-failed', `cannot be read: ${command} is not installed`, { path, hint });
  }
  const lines = stderr.split('\n').filter((line) => line !== '' && harmless?.test(line) !== true);
  if (lines.length === 0 && harmless !== undefined && stderr !== '') return stdout;
  throw new PyclinkError('tool-failed', `cannot be read: ${command}: ${silent ?? lines.at(-1) ?? shortMessage}`, {
    path,
  });
}
