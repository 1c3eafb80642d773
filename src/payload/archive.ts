import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { execa } from 'execa';
import { errnoOf, messageOf, PyclinkError } from '../errors.ts';
import type { PayloadPath } from '../files/path.ts';
import { isWanted, type PayloadEntry, type Wanted } from './entry.ts';
import { readTar, type TarEntry } from './tar.ts';

/** A tar stream, and how the program that writes it ended, if there is one. */
interface TarSource {
  readonly stream: Readable;
  /** Why the program failed; undefined if it did not. */
  readonly failure: () => Promise<string | undefined>;
}

/**
 * Reads Debian packages and tars, plain or compressed with gzip, xz or zstd; layers of container images and packages of
 * Arch and Alpine are such tars. Nothing is unpacked to disk.
 * @throws PyclinkError `tool-failed` if a file cannot be read
 */
export async function readArchives(files: readonly string[], wanted: Wanted): Promise<PayloadEntry[]> {
  const entries: PayloadEntry[] = [];
  for (const file of files) {
    const { stream, failure } = openTar(file);
    const stored = await readTar(stream, wanted).catch(async (error: unknown) => {
      throw unreadable(file, (await failure()) ?? messageOf(error), error);
    });
    const reason = await failure();
    if (reason !== undefined) throw unreadable(file, reason);
    for (const entry of stored.values()) {
      if (isWanted(entry.path, wanted)) entries.push(payloadEntry(basename(file), entry, stored));
    }
  }
  return entries;
}

function openTar(file: string): TarSource {
  const start = readStart(file);
  if (start.toString('latin1').startsWith('!<arch>\n')) return program('dpkg-deb', ['--fsys-tarfile', file]);
  if (start.readUInt32BE(0) === 0xfd377a58) return program('xz', ['--decompress', '--stdout', '--', file]);
  if (start.readUInt32LE(0) === 0xfd2fb528) return program('zstd', ['--decompress', '--stdout', '--quiet', '--', file]);
  const plain = createReadStream(file);
  if (start.readUInt16BE(0) !== 0x1f8b) return { stream: plain, failure: async () => undefined };
  const gunzip = createGunzip();
  plain.once('error', (error) => gunzip.destroy(error));
  return { stream: plain.pipe(gunzip), failure: async () => undefined };
}

function program(command: string, args: readonly string[]): TarSource {
  const child = execa(command, args, { buffer: { stdout: false }, reject: false, stdin: 'ignore' });
  return {
    stream: child.stdout,
    failure: async () => {
      const { failed, stderr, shortMessage } = await child;
      return failed ? stderr.trim().split('\n').at(-1) || shortMessage : undefined;
    },
  };
}

/** The first bytes of a file, which identify its format. @see deb(5), and the formats of gzip, xz and zstd */
function readStart(file: string): Buffer {
  const start = Buffer.alloc(8);
  try {
    const descriptor = openSync(file, 'r');
    try {
      readSync(descriptor, start, 0, start.length, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw unreadable(file, errnoOf(error) ?? messageOf(error), error);
  }
  return start;
}

/** The entry of a name. For a hard link, with the facts of the file that it names. */
function payloadEntry(container: string, entry: TarEntry, stored: ReadonlyMap<PayloadPath, TarEntry>): PayloadEntry {
  const { linkTo, path, ...facts } = (entry.linkTo && stored.get(entry.linkTo)) ?? entry;
  return { ...facts, path: entry.path, container, inode: linkTo ?? path, isGhost: false };
}

function unreadable(file: string, reason: string, cause?: unknown): PyclinkError {
  const hint = 'is it a package or a tar, and is the program that opens it installed?';
  return new PyclinkError('tool-failed', `cannot be read: ${reason}`, { path: file, hint, cause });
}
