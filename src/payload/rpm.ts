import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { type PayloadPath, plainPath } from '../files/path.ts';
import { pathText } from '../printable.ts';
import { Budget, type ReadLimits } from './budget.ts';
import { type Contents, contentsOf, listedBy, type PayloadEntry, type Search, type TakeContent } from './entry.ts';
import { outputOf, run } from './program.ts';
import { readTar, searchForUnread, type TarContents } from './tar.ts';

/**
 * One line per file, after a line with the package's name. Text is shell-quoted, because names and symlink targets may
 * contain tabs and line breaks.
 */
const queryFormat =
  'package %{NVRA:shescape}\\n[%{FILENAMES:shescape}\\t%{FILEINODES}\\t%{FILEDEVICES}\\t%{FILEFLAGS}\\t%{FILEMODES}\\t' +
  '%{FILEUSERNAME:shescape}:%{FILEGROUPNAME:shescape}\\t%{LONGFILESIZES}\\t%{FILEMTIMES}\\t%{FILELINKTOS:shescape}\\n]';

const quoted = String.raw`'([^']*(?:'\\''[^']*)*)'`;
const number = String.raw`(\d+)`;
const packageLine = new RegExp(`^package ${quoted}\n`);
const fileLine = new RegExp(
  `${[quoted, number, number, number, number, `${quoted}:${quoted}`, number, number, quoted].join('\t')}\n`,
  'y',
);

/** RPMFILE_GHOST in rpm's rpmfiles.h. */
const ghostFlag = 1 << 6;
const types: ReadonlyMap<number, PayloadEntry['type']> = new Map([
  [0o100000, 'file'],
  [0o120000, 'symlink'],
  [0o040000, 'directory'],
]);

/**
 * Searches an rpm package: the metadata comes from its header, the bytes from its payload.
 * @throws if rpm or rpm2archive cannot read the package
 */
export async function searchRpm(file: string, search: Search, limits: ReadLimits): Promise<Contents> {
  const isListed = listedBy(search);
  const entries = (await queryHeader(file)).filter(({ path, type }) => isListed(path, type));
  const stored = new Map(
    entries.filter((entry) => entry.type === 'file' && !entry.isGhost).map((entry) => [entry.path, entry]),
  );
  const taken = new Set<string>();
  const visit = ({ path }: PayloadEntry): TakeContent | undefined => {
    const entry = stored.get(path);
    const take = entry === undefined || taken.has(entry.file) ? undefined : search.visit(entry);
    if (entry !== undefined && take !== undefined) taken.add(entry.file);
    return take;
  };
  const inPayload: Search = { names: /(?!)/, paths: new Set(stored.keys()), visit };
  const { unread } = await readStored(file, inPayload, limits);
  if (unread.size > 0) await readStored(file, searchForUnread(unread), limits);
  return contentsOf(entries);
}

async function queryHeader(file: string): Promise<PayloadEntry[]> {
  const args = ['-qp', '--nosignature', '--nodigest', '--qf', queryFormat, '--', resolve(file)];
  const { stdout, failure } = await run('rpm', args, { LC_ALL: 'C.UTF-8' });
  if (failure !== undefined) throw failure;
  const [first = '', name = ''] = packageLine.exec(stdout) ?? [];
  const container = unquoted(name);
  const entries: PayloadEntry[] = [];
  // A package without files has an empty line instead.
  const end = stdout.trimEnd().length;
  fileLine.lastIndex = first.length;
  while (fileLine.lastIndex < end) {
    const line = fileLine.exec(stdout);
    if (line === null) throw new Error('rpm lists its files in an unknown format');
    const [, path = '', inode, device, flags, mode, user = '', group = '', size, mtime, target = ''] = line;
    const type = types.get(Number(mode) & 0o170000);
    if (type === undefined) continue;
    entries.push({
      path: plainPath(unquoted(path)) as PayloadPath,
      type,
      ...(type === 'symlink' ? { target: unquoted(target) } : {}),
      file: `${file}\0${device}:${inode}`,
      container,
      ...((Number(flags) & ghostFlag) === 0 ? {} : { isGhost: true }),
      sizeBytes: Number(size),
      mode: Number(mode) & 0o7777,
      owner: `${unquoted(user)}:${unquoted(group)}`,
      mtimeSeconds: Number(mtime),
    });
  }
  return entries;
}

/** Removes shell quotes from Latin-1 text. */
function unquoted(latin1: string): string {
  return pathText(Buffer.from(latin1.replaceAll(String.raw`'\''`, "'"), 'latin1'));
}

/** One pass over the payload of a package. */
function readStored(file: string, search: Search, limits: ReadLimits): Promise<TarContents> {
  const stored = outputOf('rpm2archive', ['--nocompression', '-'], createReadStream(file));
  return readTar(stored, search, { container: file, prefix: `${file}\0` }, new Budget(file, limits));
}
