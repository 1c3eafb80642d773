import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

type PlantedFile = { readonly content: string | Buffer; readonly mode?: number; readonly mtime?: number };

/** What a test puts at a path: the text of a file, or more than text. */
export type Planted =
  | string
  | Buffer
  | { readonly directory: true }
  | { readonly symlink: string }
  | { readonly hardLink: string }
  | PlantedFile;

/** The mtime of what is planted, in seconds: that of now would make two trees differ that are planted in two seconds. */
const plantedMtime = 1_700_000_000;

/** An empty directory that goes when the test is over. */
export function temporaryDirectory(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'pyclink-test-')));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A buildroot with these files in it. Hard links and mtimes are made last. */
export function plantBuildroot(files: Readonly<Record<string, Planted>>): string {
  const buildroot = join(temporaryDirectory(), 'buildroot');
  mkdirSync(buildroot);
  plant(buildroot, files);
  return buildroot;
}

function plantFile(staged: string, { content, mode, mtime = plantedMtime }: PlantedFile): void {
  writeFileSync(staged, content);
  if (mode !== undefined) chmodSync(staged, mode);
  utimesSync(staged, mtime, mtime);
}

/** Adds files to a buildroot. A path in `hardLink` is a payload path too. */
export function plant(buildroot: string, files: Readonly<Record<string, Planted>>): void {
  for (const [path, what] of Object.entries(files)) {
    const staged = join(buildroot, path);
    mkdirSync(dirname(staged), { recursive: true });
    if (typeof what === 'string' || Buffer.isBuffer(what)) plantFile(staged, { content: what });
    else if ('directory' in what) mkdirSync(staged, { recursive: true });
    else if ('symlink' in what) symlinkSync(what.symlink, staged);
    else if ('hardLink' in what) linkSync(join(buildroot, what.hardLink), staged);
    else plantFile(staged, what);
  }
}

/** Everything below a directory, by relative path: type, mode, and content or target. Links and times are not in it. */
export function contentsOf(directory: string): Record<string, string> {
  const contents: Record<string, string> = {};
  for (const path of everythingIn(directory)) {
    const stat = lstatSync(join(directory, path));
    const mode = (stat.mode & 0o7777).toString(8);
    if (stat.isFile()) contents[path] = `file ${mode} ${readFileSync(join(directory, path)).toString('base64')}`;
    else if (stat.isSymbolicLink()) contents[path] = `symlink ${readlinkSync(join(directory, path))}`;
    else contents[path] = `${stat.isDirectory() ? 'directory' : 'other'} ${mode}`;
  }
  return contents;
}

/** The pycs below a directory, by relative path, as sets that share an inode; sorted. */
export function linkGroupsIn(directory: string): string[][] {
  const groups = new Map<number, string[]>();
  for (const path of everythingIn(directory).filter((name) => /\.py[co]$/.test(name))) {
    const { ino } = lstatSync(join(directory, path));
    groups.set(ino, [...(groups.get(ino) ?? []), path]);
  }
  return [...groups.values()].sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1));
}

/** Relative paths of everything below a directory, sorted by code unit. Symlinked directories are not entered. */
export function everythingIn(directory: string, prefix = ''): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) => {
      const path = prefix + entry.name;
      return entry.isDirectory() ? [path, ...everythingIn(join(directory, entry.name), `${path}/`)] : [path];
    })
    .sort();
}
