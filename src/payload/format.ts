import { closeSync, openSync, readSync } from 'node:fs';
import { errnoOf, messageOf, PyclinkError } from '../errors.ts';
import { NotInstalled } from './program.ts';

/** The format of a file, from its first bytes. */
export type Format = 'rpm' | 'ar' | 'zip' | 'gzip' | 'bzip2' | 'xz' | 'zstd' | 'squashfs' | 'tar' | 'erofs';

/** @see rpm's lib/rpmlead.c, deb(5), APPNOTE.TXT 4.3, RFC 1952, RFC 8878, tar(5), and what bzip2, xz and Linux say */
const magics: readonly (readonly [Format, latin1: string, at?: number])[] = [
  ['rpm', '\xed\xab\xee\xdb'],
  ['ar', '!<arch>\n'],
  ['zip', 'PK\x03\x04'],
  // A zip without entries.
  ['zip', 'PK\x05\x06'],
  ['gzip', '\x1f\x8b'],
  ['bzip2', 'BZh'],
  ['xz', '\xfd7zXZ\0'],
  ['zstd', '\x28\xb5\x2f\xfd'],
  ['squashfs', 'hsqs'],
  ['tar', 'ustar', 257],
  ['erofs', '\xe2\xe1\xf5\xe0', 1024],
];

const startBytes = 1028;

/** The format of a file that starts with these bytes; undefined for unknown formats. */
export function formatOf(start: Buffer): Format | undefined {
  const text = start.toString('latin1', 0, startBytes);
  return magics.find(([, magic, at = 0]) => text.startsWith(magic, at))?.[0] ?? (isOldTar(start) ? 'tar' : undefined);
}

/**
 * A tar before POSIX is known only by the checksum of its first header, which counts its own field as spaces. One
 * without entries begins with its end, a block of zeros.
 */
function isOldTar(start: Buffer): boolean {
  const header = Buffer.from(start.subarray(0, 512));
  if (header.every((byte) => byte === 0)) return true;
  const checksum = Number.parseInt(start.toString('latin1', 148, 156), 8);
  return header.fill(' ', 148, 156).reduce((sum, byte) => sum + byte, 0) === checksum;
}

/** Reads the first bytes of a file, which identify its format. @throws PyclinkError `tool-failed` also if empty */
export function readStart(file: string): Buffer {
  const start = Buffer.alloc(startBytes);
  try {
    const descriptor = openSync(file, 'r');
    try {
      if (readSync(descriptor, start, 0, start.length, 0) === 0) throw new Error('it is empty');
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw unreadable(file, errnoOf(error) ?? messageOf(error), error);
  }
  return start;
}

/** The error for a file that cannot be read. */
export function unreadable(file: string, reason: string, cause?: unknown): PyclinkError {
  const hint = cause instanceof NotInstalled ? cause.hint : 'is it a complete package, archive or image?';
  return new PyclinkError('tool-failed', `cannot be read: ${reason}`, { path: file, hint, cause });
}
