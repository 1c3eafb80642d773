import { attributesOf, type FileAttributes } from '../files/attributes.ts';
import type { StagedPath } from '../files/path.ts';
import { type ReadPyc, sameContent } from './fingerprint.ts';
import { groupByFile, isLinked, type LinkPlan, planLinks } from './group.ts';
import { linkName, type NotLinked } from './link-name.ts';

export interface LinkResult<F extends ReadPyc> {
  /** Each set is one file. Its first name was kept. */
  readonly groups: readonly (readonly F[])[];
  readonly notLinked: readonly NotLinked[];
  /** The files that were replaced by links. */
  readonly replaced: readonly F[];
}

/** Links identical files in a set that may be linked. Every name exists and is complete at every instant. */
export function linkIdentical<F extends ReadPyc>(files: readonly F[], read?: ReadAttributes): LinkResult<F> {
  const { steps, notLinked } = planIdentical(files, read);
  const replaced: F[] = [];
  /** The file of a name, if it has changed. */
  const fileOf = new Map<F, string>();
  const keyOf = (file: F) => fileOf.get(file) ?? file.identity;
  /** The next file to link to, after a file that has reached its link limit. */
  const next = new Map<F, F>();
  const moved = new Set<F>();
  const linkTo = (original: F, file: F): NotLinked | undefined => {
    const done = linkName(original, file.path, file);
    if ('reason' in done) {
      notLinked.push(done);
      return done;
    }
    fileOf.set(file, keyOf(original));
    if (done.hasMoved) moved.add(original);
    return undefined;
  };
  for (const { original: first, duplicate } of steps) {
    const original = next.get(first) ?? first;
    if (isLinked(original, duplicate)) continue;
    const refusal = linkTo(original, duplicate);
    if (refusal === undefined) replaced.push(duplicate);
    else if (refusal.errno === 'EMLINK') next.set(first, duplicate);
  }
  // Other names of a file that moved still lead to the old file.
  for (const original of moved) {
    for (const file of files.filter((other) => other !== original && isLinked(other, original) && !fileOf.has(other))) {
      if (linkTo(original, file) !== undefined) fileOf.set(file, `${file.identity} as before`);
    }
  }
  return { groups: groupByFile(files, keyOf), notLinked, replaced };
}

/** Reads the ACL and extended attributes of files of one directory. */
export type ReadAttributes = (paths: readonly StagedPath[]) => readonly FileAttributes[];

/** Plans what linkIdentical does. The system may refuse more. */
export function planIdentical<F extends ReadPyc>(files: readonly F[], read?: ReadAttributes) {
  const { steps, hindered } = planOf(files, read);
  const notLinked = hindered.map(({ file, ...why }): NotLinked => ({ path: file.path, ...why }));
  return { steps, notLinked, replaced: steps.map(({ duplicate }) => duplicate) };
}

/** Reads ACLs and extended attributes only if files are to be linked. */
function planOf<F extends ReadPyc>(files: readonly F[], read: ReadAttributes = attributesOf): LinkPlan<F> {
  const plan = planLinks(files, sameContent);
  if (plan.steps.length === 0) return plan;
  const attributes = read(files.map(({ path }) => path));
  if (attributes.every((one) => one === attributes[0] && typeof one === 'string')) return plan;
  const byFile = new Map(files.map((file, i) => [file, attributes[i] as FileAttributes]));
  return planLinks(files, sameContent, (file) => byFile.get(file) as FileAttributes);
}
