import { openBuildroot } from '../buildroot/open.ts';
import { toPayload } from '../buildroot/path.ts';
import { errnoOf, exitStatus } from '../errors.ts';
import { removeLeftovers } from '../files/leftovers.ts';
import type { StagedPath } from '../files/path.ts';
import { linkIdentical } from '../links/apply.ts';
import { findPycs } from '../links/find.ts';
import { readPyc, sameContent, sameContentOnDisk } from '../links/fingerprint.ts';
import { type PycFile, planLinks } from '../links/group.ts';
import { normalizeFiles } from '../links/normalize.ts';
import type { Log } from '../log.ts';
import { isOfUnknownRelease, unknownMagicNumber } from '../marshal/normalize-pyc.ts';
import { counted, sizeText } from '../report/text.ts';
import { type SkipReason, skipReasons } from '../skipped.ts';
import type { CommandResult } from './result.ts';

export interface LinkOptions {
  readonly buildroot: string | undefined;
  /** Staged or payload paths; none: the whole buildroot. */
  readonly paths: readonly string[];
  /** Bring the pycs into normal form first. */
  readonly normalize: boolean;
  readonly dryRun: boolean;
}

interface LinkReport {
  readonly dryRun: boolean;
  readonly buildroot: string;
  readonly pycs: number;
  /** Pycs that were brought into normal form, or in a dry run would be. */
  readonly normalized: number;
  /** Made, or in a dry run, to be made. */
  readonly links: number;
  readonly savedBytes: number;
}

/** `pyclink link`: links pycs that others compiled. @throws PyclinkError */
export function linkCommand(options: LinkOptions, log: Log): CommandResult<LinkReport> {
  const { dryRun } = options;
  const buildroot = openBuildroot(options.buildroot);
  const { sets, pycs, directories, unreadable } = findPycs(buildroot, options.paths);
  if (!dryRun) for (const directory of directories) removeLeftovers(directory);
  let [normalized, links, savedBytes] = [0, 0, 0];
  const leave = (path: StagedPath, reason: SkipReason, message?: string) =>
    log.warn({ path: toPayload(buildroot, path) }, [skipReasons[reason], message].filter(Boolean).join(': '));
  const link = <F extends PycFile>(set: readonly F[], isSame: (a: F, b: F) => boolean) => {
    const { notLinked, replaced } = dryRun ? planned(set, isSame) : linkIdentical(set, isSame);
    links += replaced.length;
    for (const { sizeBytes } of replaced) savedBytes += sizeBytes;
    for (const { path, reason, errno } of notLinked) leave(path, reason, errno);
  };
  const unknownCounts = new Map<number, number>();
  const countUnknown = (magicNumber: number) =>
    unknownCounts.set(magicNumber, (unknownCounts.get(magicNumber) ?? 0) + 1);
  for (const set of sets) {
    if (!options.normalize) {
      link(set, sameContentOnDisk);
      continue;
    }
    const read = set.flatMap(({ path }) => readPyc(path) ?? []);
    const unknown = read.filter(({ content }) => isOfUnknownRelease(content));
    for (const { content } of unknown) countUnknown(content.readUInt16LE(0));
    const result = normalizeFiles(
      read.filter((pyc) => !unknown.includes(pyc)),
      dryRun,
    );
    normalized += result.normalized;
    for (const { path, message } of result.notNormalized) leave(path, 'not-normalized', message);
    link([...result.pycs, ...unknown], sameContent);
  }
  for (const [magicNumber, count] of unknownCounts) {
    log.warn(`${counted(count, 'pyc')}: ${unknownMagicNumber(magicNumber)}, so there is no normal form for them`);
  }
  for (const { directory, error } of unreadable) {
    log.error({ path: directory }, `${skipReasons['unreadable-directory']} (${errnoOf(error)})`);
  }
  const verb = dryRun ? 'to make' : 'made';
  const inNormalForm = options.normalize ? `, ${normalized} ${dryRun ? 'to normalize' : 'normalized'}` : '';
  return {
    status: unreadable.length === 0 ? exitStatus.done : exitStatus.problems,
    text: `pyclink: ${counted(pycs, 'pyc')}${inNormalForm}, ${counted(links, 'link')} ${verb}, ${sizeText(savedBytes)} saved\n`,
    data: { dryRun, buildroot: buildroot.path, pycs, normalized, links, savedBytes },
  };
}

/** What linking would do. */
function planned<F extends PycFile>(set: readonly F[], isSame: (a: F, b: F) => boolean) {
  const { steps } = planLinks(set, isSame);
  return { notLinked: [], replaced: steps.map(({ duplicate }) => duplicate) };
}
