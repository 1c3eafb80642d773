import { readFileSync, readlinkSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import { currentCredentials } from './credentials.ts';
import { childOf, maxSymlinks, parentOf, type StagedPath } from './path.ts';
import { type FileStat, lstat } from './stat.ts';

/**
 * Checks who controls the file at an absolute path. Only root and this user may own the file, every directory above it
 * and every symlink on the way, and nobody else may write to them. In a sticky directory such as /tmp, others may
 * create files but not replace these. An ACL that lets others write shows in the group bits.
 * @returns the reason why somebody else controls it; undefined if nobody does
 */
export function foreignWriter(path: string): string | undefined {
  const pending = ['', ...path.split('/')].reverse();
  let reached = '/' as StagedPath;
  let followed = 0;
  try {
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === '..') reached = parentOf(reached);
      if (name === '.' || name === '..' || (name === '' && reached !== '/')) continue;
      const next = name === '' ? reached : childOf(reached, name);
      const stat = lstat(next);
      if (!isTrusted(stat.userId)) return `${next} belongs to user ${stat.userId}`;
      if (stat.kind === 'symlink') {
        followed += 1;
        if (followed > maxSymlinks) return `${path} has too many levels of symlinks`;
        const target = readlinkSync(next);
        if (target.startsWith('/')) reached = '/' as StagedPath;
        pending.push(...target.split('/').reverse());
        continue;
      }
      const isSticky = stat.kind === 'directory' && (stat.mode & 0o1000) !== 0;
      if ((stat.mode & 0o022) !== 0 && !isSticky) {
        return `other users may write to ${next} (mode ${stat.mode.toString(8)})`;
      }
      reached = next;
    }
  } catch (error) {
    return `${path} cannot be examined (${errnoOf(error)})`;
  }
  return undefined;
}

/**
 * Like `foreignWriter`, but for one file without its path: checks who controls its content. A sticky directory is no
 * exception here, because others may create files in it.
 */
export function foreignWriterOf({ userId, mode }: FileStat): string | undefined {
  if (!isTrusted(userId)) return `it belongs to user ${userId}`;
  return (mode & 0o022) === 0 ? undefined : 'other users may write to it';
}

/** The owner that the kernel shows for users without a number in this user namespace. */
const overflowUserId = 65_534;

/**
 * Whether a user is root or this user. All owners from outside this user namespace look the same, such as the system's
 * root in a rootless container. They count as root.
 */
function isTrusted(userId: number): boolean {
  if (userId === 0 || userId === currentCredentials()?.userId) return true;
  return userId === overflowUserId && !hasNumber(overflowUserId);
}

/** Whether a user has a number in this user namespace. @see user_namespaces(7) */
function hasNumber(userId: number): boolean {
  const ranges = readFileSync('/proc/self/uid_map', 'utf8').trim().split('\n');
  return ranges.some((range) => {
    const [first = 0, , count = 0] = range.trim().split(/\s+/).map(Number);
    return first <= userId && userId < first + count;
  });
}
