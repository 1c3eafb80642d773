import { openBuildroot } from '../buildroot/open.ts';
import { toPayload } from '../buildroot/path.ts';
import { skipReasons } from '../buildroot/skipped.ts';
import { errnoOf, exitStatus } from '../errors.ts';
import { linkIdentical } from '../links/apply.ts';
import { findPycs } from '../links/find.ts';
import { sameContentOnDisk } from '../links/fingerprint.ts';
import { planLinks } from '../links/group.ts';
import type { Log } from '../log.ts';
import { counted, sizeText } from '../report/text.ts';
import type { CommandResult } from './result.ts';

export interface LinkOptions {
  readonly buildroot: string | undefined;
  /** Staged or payload paths; none: the whole buildroot. */
  readonly paths: readonly string[];
  readonly dryRun: boolean;
}

interface LinkReport {
  readonly dryRun: boolean;
  readonly buildroot: string;
  readonly pycs: number;
  /** Made, or in a dry run to make. */
  readonly links: number;
  readonly savedBytes: number;
}

/** `pyclink link`: links pycs that others compiled. @throws PyclinkError */
export function linkCommand(options: LinkOptions, log: Log): CommandResult<LinkReport> {
  const buildroot = openBuildroot(options.buildroot);
  const { sets, pycs, unreadable } = findPycs(buildroot, options.paths);
  let links = 0;
  let savedBytes = 0;
  for (const set of sets) {
    if (options.dryRun) {
      const { steps } = planLinks(set, sameContentOnDisk);
      links += steps.length;
      savedBytes += steps.reduce((sum, { duplicate }) => sum + duplicate.sizeBytes, 0);
      continue;
    }
    const { notLinked, replaced } = linkIdentical(set, sameContentOnDisk);
    links += replaced.length;
    savedBytes += replaced.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const { path, reason, errno } of notLinked) {
      log.warn({ path: toPayload(buildroot, path) }, [skipReasons[reason], errno].filter(Boolean).join(': '));
    }
  }
  for (const { directory, error } of unreadable) {
    log.error({ path: directory }, `${skipReasons['unreadable-directory']} (${errnoOf(error)})`);
  }
  const verb = options.dryRun ? 'to make' : 'made';
  return {
    status: unreadable.length === 0 ? exitStatus.done : exitStatus.problems,
    text: `pyclink: ${counted(pycs, 'pyc')}, ${counted(links, 'link')} ${verb}, ${sizeText(savedBytes)} saved\n`,
    data: { dryRun: options.dryRun, buildroot: buildroot.path, pycs, links, savedBytes },
  };
}
