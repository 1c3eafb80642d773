import { readFileSync } from 'node:fs';
import type { FileStat } from './stat.ts';

/** What decides owner and mode of the files that this process makes. */
export interface Credentials {
  readonly userId: number;
  readonly groupId: number;
  readonly umask: number;
}

/** Read once; undefined where no /proc is mounted. */
let credentials: Credentials | undefined | 'unread' = 'unread';

/**
 * Whether a file has the owner and mode that a new one would have. False if that is not known.
 * @param mode permission bits, less the umask
 */
export function isLikeNew(stat: FileStat, mode: number): boolean {
  const known = currentCredentials();
  return stat.userId === known?.userId && stat.groupId === known.groupId && hasNewMode(stat, mode);
}

/**
 * Whether a file has the mode that a new one would have. False if that is not known.
 * @param mode permission bits, less the umask
 */
export function hasNewMode(file: { readonly mode: number }, mode: number): boolean {
  const known = currentCredentials();
  return known !== undefined && file.mode === (mode & ~known.umask);
}

/** Owner and mode of new files; undefined where no /proc is mounted. */
export function currentCredentials(): Credentials | undefined {
  if (credentials === 'unread') credentials = readCredentials();
  return credentials;
}

/** Node's process.umask() changes the umask for a moment, for all threads. @see proc_pid_status(5) */
function readCredentials(): Credentials | undefined {
  let status: string;
  try {
    status = readFileSync('/proc/self/status', 'utf8');
  } catch {
    return undefined;
  }
  const [, userId] = /^Uid:\t\d+\t(\d+)/m.exec(status) ?? [];
  const [, groupId] = /^Gid:\t\d+\t(\d+)/m.exec(status) ?? [];
  const [, umask] = /^Umask:\t([0-7]+)$/m.exec(status) ?? [];
  if (userId === undefined || groupId === undefined || umask === undefined) return undefined;
  return { userId: Number(userId), groupId: Number(groupId), umask: Number.parseInt(umask, 8) };
}
