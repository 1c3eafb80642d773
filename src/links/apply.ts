import { errnoOf, PyclinkError } from '../errors.ts';
import type { StagedPath } from '../files/path.ts';
import { replaceByLink } from '../files/replace.ts';
import { isStill } from './fingerprint.ts';
import { groupByFile, type LinkPlan, type PycFile, planLinks } from './group.ts';

/** Why a file was not linked. `errno` is the file system's error, if it refused. */
export interface NotLinked {
  readonly path: StagedPath;
  readonly reason: 'mode-differs' | 'owner-differs' | 'link-refused' | 'changed-meanwhile';
  readonly errno?: string;
}

export interface LinkResult<F extends PycFile> {
  /** Each set is one file, the first is the one that was kept. */
  readonly groups: readonly (readonly F[])[];
  readonly notLinked: readonly NotLinked[];
  /** The files that were replaced by links. */
  readonly replaced: readonly F[];
}

/** The errors with which file systems refuse a link. EBUSY: the name is a mount point. */
export const refusals: ReadonlySet<string> = new Set(['EXDEV', 'EMLINK', 'EPERM', 'EOPNOTSUPP', 'ENOSYS', 'EBUSY']);

/**
 * Links identical files among those that may be linked with each other. Every name exists and is whole at every
 * instant.
 * @throws PyclinkError `file-failed` for a failure other than the file system's refusal to link
 */
export function linkIdentical<F extends PycFile>(
  files: readonly F[],
  sameContent: (a: F, b: F) => boolean,
): LinkResult<F> {
  const plan: LinkPlan<F> = planLinks(files, sameContent);
  const keeperOf = new Map<F, F>();
  const notLinked: NotLinked[] = plan.hindered.map(({ file, reason }) => ({ path: file.path, reason }));
  for (const { keeper, duplicate } of plan.steps) {
    const refusal = link(keeper, duplicate);
    if (refusal === undefined) keeperOf.set(duplicate, keeper);
    else notLinked.push(refusal);
  }
  return {
    groups: groupByFile(files, (file) => keeperOf.get(file) ?? file),
    notLinked,
    replaced: [...keeperOf.keys()],
  };
}

/** Puts a link to `keeper` in the place of `duplicate`, if both are still the files that were compared. */
function link(keeper: PycFile, duplicate: PycFile): NotLinked | undefined {
  const { path } = duplicate;
  try {
    const replaced = replaceByLink(
      path,
      keeper.path,
      (temporary, old) => isStill(duplicate, old) && isStill(keeper, temporary),
    );
    return replaced ? undefined : { path, reason: 'changed-meanwhile' };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== undefined && refusals.has(errno)) return { path, reason: 'link-refused', errno };
    throw new PyclinkError('file-failed', `cannot be replaced by a link to ${keeper.path} (${errno})`, {
      path,
      cause: error,
    });
  }
}
