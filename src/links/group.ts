import type { FileAttributes } from '../files/attributes.ts';
import type { StagedPath } from '../files/path.ts';
import type { FileStat } from '../files/stat.ts';
import { groupBy } from '../get-or-add.ts';

/** The facts about a pyc on disk that linking needs. */
export interface PycFile
  extends Pick<FileStat, 'identity' | 'mode' | 'userId' | 'groupId' | 'sizeBytes' | 'modifiedNs'> {
  readonly path: StagedPath;
}

/** Why two identical pycs are not linked. */
interface Hindrance {
  readonly reason: 'mode-differs' | 'owner-differs' | 'attributes-differ' | 'attributes-unknown';
  /** Why the attributes cannot be read. */
  readonly errno?: string;
}

/** Replace `duplicate` with a link to `original`. */
interface LinkStep<F extends PycFile> {
  readonly original: F;
  readonly duplicate: F;
}

export interface LinkPlan<F extends PycFile> {
  readonly steps: readonly LinkStep<F>[];
  /** Files that are identical to an earlier one but may not be linked to it. */
  readonly hindered: readonly (Hindrance & { readonly file: F })[];
}

/**
 * Plans the links in a set of files that may be linked: the pycs of one source, cache tag and directory. Keeps the
 * first of identical files.
 * @param sameContent compares byte for byte; called only for files of equal size that are not linked yet
 * @param attributesOf the ACL and extended attributes of a file
 */
export function planLinks<F extends PycFile>(
  files: readonly F[],
  sameContent: (a: F, b: F) => boolean,
  attributesOf: (file: F) => FileAttributes = () => '',
): LinkPlan<F> {
  const originals: F[] = [];
  const steps: LinkStep<F>[] = [];
  const hindered: LinkPlan<F>['hindered'][number][] = [];
  const hindrance = (a: F, b: F) => differenceInOwner(a, b) ?? differenceInAttributes(attributesOf(a), attributesOf(b));
  for (const file of files) {
    if (originals.some((original) => isLinked(original, file))) continue;
    const identical = originals.filter(
      (original) => original.sizeBytes === file.sizeBytes && sameContent(original, file),
    );
    const original = identical.find((other) => hindrance(other, file) === undefined);
    if (original !== undefined) {
      steps.push({ original, duplicate: file });
      continue;
    }
    originals.push(file);
    const why = identical[0] && hindrance(identical[0], file);
    if (why !== undefined) hindered.push({ file, ...why });
  }
  return { steps, hindered };
}

/** Whether two paths already are one file. */
export function isLinked(a: PycFile, b: PycFile): boolean {
  return a.identity === b.identity;
}

/** Groups names by file, in the given order. @param keyOf equal for the names of one file */
export function groupByFile<F extends PycFile>(
  files: readonly F[],
  keyOf: (file: F) => string = ({ identity }) => identity,
): F[][] {
  return [...groupBy(files, keyOf).values()];
}

function differenceInOwner(a: PycFile, b: PycFile): Hindrance | undefined {
  if (a.userId !== b.userId || a.groupId !== b.groupId) return { reason: 'owner-differs' };
  return a.mode === b.mode ? undefined : { reason: 'mode-differs' };
}

/** What the attributes contain under fakeroot, where the owner and mode of a `PycFile` are the kernel's. */
const faked = [
  ['owner-differs', /^owner [\d:]+/],
  ['mode-differs', /^owner .*/],
] as const;

function differenceInAttributes(a: FileAttributes, b: FileAttributes): Hindrance | undefined {
  for (const one of [a, b]) if (typeof one !== 'string') return { reason: 'attributes-unknown', errno: one.unknown };
  if (a === b) return undefined;
  const differing = faked.find(([, part]) => part.exec(String(a))?.[0] !== part.exec(String(b))?.[0]);
  return { reason: differing?.[0] ?? 'attributes-differ' };
}
