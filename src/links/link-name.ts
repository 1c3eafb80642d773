import { errnoOf } from '../errors.ts';
import { linkFreeName, replaceByLink } from '../files/hard-link.ts';
import type { StagedPath } from '../files/path.ts';
import { isStill, type ReadPyc, statIfStill } from './fingerprint.ts';
import type { LinkPlan } from './group.ts';

/** Why a file was not linked. `errno` is the system's error or a reason in words. */
export interface NotLinked {
  readonly path: StagedPath;
  readonly reason:
    | LinkPlan<ReadPyc>['hindered'][number]['reason']
    | 'link-refused'
    | 'link-failed'
    | 'changed-meanwhile';
  readonly errno?: string;
}

/** A link that was made. */
interface Linked {
  /**
   * Whether the new link has another identity than the file had before. This happens on an overlay, where linking to a
   * file of a lower layer copies it and its other names do not change, and where each name has its own inode number.
   */
  readonly hasMoved: boolean;
}

/** The errors with which file systems refuse a link. EBUSY: the name is a mount point. */
const refusals: ReadonlySet<string> = new Set(['EXDEV', 'EMLINK', 'EPERM', 'EOPNOTSUPP', 'ENOSYS', 'EBUSY']);

/**
 * Links a name to a file, and replaces what is there in one step. Only link(2) can tell whether both can be one file.
 * @param there 'nothing' if the name is believed to be free; a file if only that may be replaced
 * @returns the reason if the system refuses or fails, or if another file is there
 */
export function linkName(file: ReadPyc, path: StagedPath, there?: 'nothing' | ReadPyc): Linked | NotLinked {
  let hasMoved = false;
  const isRight = (name: string) => {
    const stat = statIfStill(file, name);
    if (stat !== undefined) hasMoved = stat.identity !== file.identity;
    return stat !== undefined;
  };
  const isReplaceable = (old: string) => there === undefined || there === 'nothing' || isStill(there, old);
  try {
    const isDone =
      (there === 'nothing' && linkFreeName(path, file.path, isRight)) ||
      replaceByLink(path, file.path, (temporary, old) => isReplaceable(old) && isRight(temporary));
    return isDone ? { hasMoved } : { path, reason: 'changed-meanwhile' };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    return { path, reason: refusals.has(errno) ? 'link-refused' : 'link-failed', errno };
  }
}
