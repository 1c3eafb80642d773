import { readFileSync } from 'node:fs';
import { ifPossible } from './if-possible.ts';
import type { FileStat } from './stat.ts';

/** The credentials that determine owner and mode of new files. */
export interface Credentials {
  readonly userId: number;
  readonly groupId: number;
  readonly umask: number;
}

/** Read once; undefined without /proc. */
let credentials: Credentials | undefined | 'unread' = 'unread';

/**
 * Whether a file has the owner and mode of a newly created file. False if these are unknown.
 * @param mode permission bits before the umask is applied
 */
export function isLikeNew(stat: FileStat, mode: number): boolean {
  const known = currentCredentials();
  return stat.userId === known?.userId && stat.groupId === known.groupId && hasNewMode(stat, mode);
}

/**
 * Whether a file has the mode of a newly created file. False if that is unknown.
 * @param mode permission bits before the umask is applied
 */
export function hasNewMode(file: { readonly mode: number }, mode: number): boolean {
  const known = currentCredentials();
  return known !== undefined && file.mode === (mode & ~known.umask);
}

/** The credentials of this process; undefined without /proc. */
export function currentCredentials(): Credentials | undefined {
  if (credentials === 'unread') credentials = readCredentials();
  return credentials;
}

/** Reads /proc: Node's process.umask() changes the umask of all threads for a moment. @see proc_pid_status(5) */
function readCredentials(): Credentials | undefined {
  const status = ifPossible(() => readFileSync('/proc/self/status', 'utf8')) ?? '';
  const [, userId] = /^Uid:\t\d+\t(\d+)/m.exec(status) ?? [];
  const [, groupId] = /^Gid:\t\d+\t(\d+)/m.exec(status) ?? [];
  const [, umask] = /^Umask:\t([0-7]+)$/m.exec(status) ?? [];
  if (userId === undefined || groupId === undefined || umask === undefined) return undefined;
  return { userId: Number(userId), groupId: Number(groupId), umask: Number.parseInt(umask, 8) };
}
