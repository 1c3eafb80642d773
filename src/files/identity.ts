import { readFileSync, type Stats } from 'node:fs';

/** What decides owner and mode of the files that this process makes. */
export interface Identity {
  readonly userId: number;
  readonly groupId: number;
  readonly umask: number;
}

/** Read once; undefined where no /proc is mounted. */
let identity: Identity | undefined | 'unread' = 'unread';

/**
 * Whether a file has the owner and mode that a new one would have. False if that is not known.
 * @param mode permission bits, less the umask
 */
export function isLikeNew(stat: Stats, mode: number): boolean {
  const known = currentIdentity();
  if (known === undefined) return false;
  const { userId, groupId, umask } = known;
  return stat.uid === userId && stat.gid === groupId && (stat.mode & 0o7777) === (mode & ~umask);
}

/** Owner and mode of new files; undefined where no /proc is mounted. */
export function currentIdentity(): Identity | undefined {
  if (identity === 'unread') identity = readIdentity();
  return identity;
}

/** Node's process.umask() changes the umask for a moment, for all threads. @see proc_pid_status(5) */
function readIdentity(): Identity | undefined {
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
