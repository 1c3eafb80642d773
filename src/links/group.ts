import type { StagedPath } from '../files/path.ts';

/** A pyc on disk: what linking needs to know about it. */
export interface PycFile {
  readonly path: StagedPath;
  readonly device: number;
  readonly inode: number;
  /** Permission bits. */
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  readonly sizeBytes: number;
  /** Tells whether the file is still the one that was compared. */
  readonly modifiedMs: number;
}

/** Why two identical pycs are not linked. */
type Hindrance = 'mode-differs' | 'owner-differs' | 'device-differs';

/** Put a link to `keeper` in the place of `duplicate`. */
interface LinkStep<F extends PycFile> {
  readonly keeper: F;
  readonly duplicate: F;
}

export interface LinkPlan<F extends PycFile> {
  readonly steps: readonly LinkStep<F>[];
  /** Files that are identical to an earlier one but may not be linked to it. */
  readonly hindered: readonly { readonly file: F; readonly reason: Hindrance }[];
}

/**
 * Plans the links among files that may be linked with each other: the pycs of one source, cache tag and directory. The
 * first of each set of identical files is kept.
 * @param sameContent compares byte for byte; called only for files of equal size that are not linked yet
 */
export function planLinks<F extends PycFile>(files: readonly F[], sameContent: (a: F, b: F) => boolean): LinkPlan<F> {
  const keepers: F[] = [];
  const steps: LinkStep<F>[] = [];
  const hindered: { file: F; reason: Hindrance }[] = [];
  for (const file of files) {
    if (keepers.some((keeper) => isLinked(keeper, file))) continue;
    const twins = keepers.filter((keeper) => keeper.sizeBytes === file.sizeBytes && sameContent(keeper, file));
    const keeper = twins.find((twin) => hindrance(twin, file) === undefined);
    if (keeper !== undefined) {
      steps.push({ keeper, duplicate: file });
      continue;
    }
    keepers.push(file);
    const reason = twins[0] && hindrance(twins[0], file);
    if (reason !== undefined) hindered.push({ file, reason });
  }
  return { steps, hindered };
}

/** Whether two paths are one file already. */
export function isLinked(a: PycFile, b: PycFile): boolean {
  return a.inode === b.inode && a.device === b.device;
}

/** The files by inode, each set in the order of the files. @param standIn the file whose inode counts for another's */
export function groupByInode<F extends PycFile>(files: readonly F[], standIn: (file: F) => F = (file) => file): F[][] {
  const groups = new Map<string, F[]>();
  for (const file of files) {
    const { device, inode } = standIn(file);
    const group = groups.get(`${device}:${inode}`);
    if (group === undefined) groups.set(`${device}:${inode}`, [file]);
    else group.push(file);
  }
  return [...groups.values()];
}

function hindrance(a: PycFile, b: PycFile): Hindrance | undefined {
  if (a.device !== b.device) return 'device-differs';
  if (a.userId !== b.userId || a.groupId !== b.groupId) return 'owner-differs';
  if (a.mode !== b.mode) return 'mode-differs';
  return undefined;
}
