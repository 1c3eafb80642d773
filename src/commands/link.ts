import { openBuildroot } from '../buildroot/open.ts';
import { toPayload } from '../buildroot/path.ts';
import { errnoOf, exitStatus } from '../errors.ts';
import { findPycs } from '../links/find.ts';
import { type LinkMode, linkDirectory } from '../links/link-directory.ts';
import type { Log } from '../log.ts';
import { unknownMagicNumber } from '../marshal/normalize-pyc.ts';
import { skipReasons } from '../skipped.ts';
import { counted, sizeText } from '../text.ts';
import type { CommandResult } from './result.ts';

export interface LinkOptions extends LinkMode {
  readonly buildroot: string | undefined;
  /** Staged or payload paths; none: the whole buildroot. */
  readonly paths: readonly string[];
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
  const { directories, pycs, unreadable } = findPycs(buildroot, options.paths);
  let [normalized, links, savedBytes] = [0, 0, 0];
  let failed = unreadable.length;
  const unknownCounts = new Map<number, number>();
  for (const directory of directories) {
    const done = linkDirectory(directory, options);
    normalized += done.normalized;
    links += done.links;
    savedBytes += done.savedBytes;
    for (const { path, reason, message } of done.left) {
      log.warn({ path: toPayload(buildroot, path) }, [skipReasons[reason], message].filter(Boolean).join(': '));
    }
    failed += done.failed.length;
    for (const { path, error } of done.failed) {
      log.error({ path: toPayload(buildroot, path) }, `not linked: the system refused (${errnoOf(error)})`);
    }
    for (const magicNumber of done.unknown) unknownCounts.set(magicNumber, (unknownCounts.get(magicNumber) ?? 0) + 1);
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
    status: failed === 0 ? exitStatus.done : exitStatus.problems,
    text: `pyclink: ${counted(pycs, 'pyc')}${inNormalForm}, ${counted(links, 'link')} ${verb}, ${sizeText(savedBytes)} saved\n`,
    data: { dryRun, buildroot: buildroot.path, pycs, normalized, links, savedBytes },
  };
}
