import { execa } from 'execa';
import { messageOf, PyclinkError } from '../errors.ts';
import type { PayloadPath } from '../files/path.ts';
import { Budget, type ReadLimits } from './budget.ts';
import { isWanted, type PayloadEntry, type Wanted } from './entry.ts';
import { contentless, readTar, type TarEntry } from './tar.ts';

/** One line a file, after a line with the package's name. rpm allows no control characters in file names. */
const queryFormat =
  'package %{NVRA}\\n[%{FILENAMES}\\t%{FILEINODES}\\t%{FILEDEVICES}\\t%{FILEFLAGS}\\t%{FILEMODES}\\t' +
  '%{FILEUSERNAME}:%{FILEGROUPNAME}\\t%{LONGFILESIZES}\\t%{FILEMTIMES}\\n]';

/** RPMFILE_GHOST in rpm's rpmfiles.h. */
const ghostFlag = 1 << 6;
const typeMask = 0o170000;
const regularFile = 0o100000;
const symlink = 0o120000;

/**
 * Reads an rpm package: file metadata from its header, contents from its payload.
 * @throws PyclinkError `tool-failed` if rpm or rpm2archive cannot read the package
 */
export async function readRpm(file: string, wanted: Wanted, limits: ReadLimits): Promise<PayloadEntry[]> {
  const recorded = (await queryHeader(file)).filter(({ path }) => isWanted(path, wanted));
  if (recorded.length === 0) return [];
  let stored = await readStored(file, wanted, limits);
  const contents = contentless(stored, wanted);
  if (contents.size > 0) stored = await readStored(file, { ...wanted, contents }, limits);
  // What the header says of a file counts.
  return recorded.map((entry) => ({ ...storedAs(entry.path, stored), ...entry }));
}

async function queryHeader(file: string): Promise<PayloadEntry[]> {
  const args = ['-qp', '--nosignature', '--nodigest', '--qf', queryFormat, '--', file];
  const { stdout, stderr, failed } = await execa('rpm', args, { reject: false, env: { LC_ALL: 'C.UTF-8' } });
  if (failed) throw unreadable(file, 'rpm', stderr);
  const [first = '', ...lines] = stdout.split('\n');
  const container = first.replace(/^package /, '');
  return lines.flatMap((line) => {
    const [path = '', inode, device, flags, mode, owner = '', size, mtime] = line.split('\t');
    const type = Number(mode) & typeMask;
    if (type !== regularFile && type !== symlink) return [];
    return {
      path: path as PayloadPath,
      container,
      inode: `${device}:${inode}`,
      isGhost: (Number(flags) & ghostFlag) !== 0,
      ...(type === symlink ? { isSymlink: true as const } : {}),
      sizeBytes: Number(size),
      mode: Number(mode) & 0o7777,
      owner,
      mtimeSeconds: Number(mtime),
    };
  });
}

async function readStored(
  file: string,
  wanted: Wanted,
  limits: ReadLimits,
): Promise<ReadonlyMap<PayloadPath, TarEntry>> {
  const child = execa('rpm2archive', ['--nocompression', '-'], {
    inputFile: file,
    buffer: { stdout: false },
    reject: false,
  });
  try {
    const entries = await readTar(child.stdout, wanted, new Budget(file, limits));
    const { failed, stderr } = await child;
    if (failed) throw unreadable(file, 'rpm2archive', stderr);
    return entries;
  } catch (error) {
    child.kill();
    if (error instanceof PyclinkError) throw error;
    throw unreadable(file, 'rpm2archive', messageOf(error));
  }
}

/** What is stored for a name, which may be under another name of the same file. */
function storedAs(path: PayloadPath, stored: ReadonlyMap<PayloadPath, TarEntry>): Partial<PayloadEntry> {
  const entry = stored.get(path);
  const { linkTo: _, ...file } = (entry?.linkTo && stored.get(entry.linkTo)) ?? entry ?? {};
  return file;
}

function unreadable(file: string, tool: string, said: unknown): PyclinkError {
  const lastLine = String(said).trim().split('\n').at(-1) || 'it does not start';
  return new PyclinkError('tool-failed', `${tool} cannot read it: ${lastLine}`, {
    path: file,
    hint: `is ${tool} installed, and is this a package?`,
  });
}
