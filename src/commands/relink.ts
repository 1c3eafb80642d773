import { openBuildroot } from '../buildroot/open.ts';
import { type Buildroot, toPayload, toStaged } from '../buildroot/path.ts';
import { resolveParent } from '../buildroot/resolve.ts';
import { exitStatus } from '../errors.ts';
import { removeLeftovers } from '../files/leftovers.ts';
import { type PayloadPath, parentOf } from '../files/path.ts';
import { linkIdentical } from '../links/apply.ts';
import { type ReadPyc, readPyc, sameContent } from '../links/fingerprint.ts';
import { planLinks } from '../links/group.ts';
import type { Log } from '../log.ts';
import { readManifest } from '../manifest/read.ts';
import { skipReasons } from '../skipped.ts';
import { counted } from '../text.ts';
import type { CommandResult } from './result.ts';

export interface RelinkOptions {
  readonly buildroot: string | undefined;
  readonly manifest: string;
  readonly dryRun: boolean;
}

/**
 * `pyclink relink`: restores the link groups of a manifest where the contents still match. The manifest is not trusted:
 * only pycs of one source, inside the buildroot, are ever linked.
 * @throws PyclinkError
 */
export function relinkCommand(options: RelinkOptions, log: Log): CommandResult {
  const buildroot = openBuildroot(options.buildroot);
  const manifest = readManifest(options.manifest);
  let links = 0;
  let refused = 0;
  const refuse = (path: PayloadPath, reason: string) => {
    refused += 1;
    log.error({ path }, reason);
  };
  for (const { paths } of manifest.linkGroups) {
    const pycs = paths.flatMap((path) => {
      const pyc = readInside(buildroot, path);
      if (pyc === undefined) refuse(path, 'not relinked: not a file in the buildroot');
      return pyc ?? [];
    });
    const [first] = pycs;
    if (first === undefined) continue;
    if (!options.dryRun) {
      for (const directory of new Set(pycs.map(({ path }) => parentOf(path)))) removeLeftovers(directory);
    }
    for (const pyc of pycs) {
      if (!sameContent(first, pyc)) {
        const other = toPayload(buildroot, first.path);
        refuse(toPayload(buildroot, pyc.path), `not relinked: its content differs from that of ${other}`);
      }
    }
    if (options.dryRun) {
      links += planLinks(pycs, sameContent).steps.length;
      continue;
    }
    const { replaced, notLinked } = linkIdentical(pycs);
    links += replaced.length;
    for (const { path, reason, errno } of notLinked) {
      refuse(toPayload(buildroot, path), [skipReasons[reason], errno].filter(Boolean).join(': '));
    }
  }
  const verb = options.dryRun ? 'to restore' : 'restored';
  const groups = manifest.linkGroups.length;
  return {
    status: refused === 0 ? exitStatus.done : exitStatus.problems,
    text: `pyclink: ${counted(groups, 'link group')}, ${counted(links, 'link')} ${verb}, ${refused} refused\n`,
    data: { dryRun: options.dryRun, buildroot: buildroot.path, linkGroups: groups, links, refused },
  };
}

/** Reads a pyc if its directory, with all symlinks followed by the kernel, is inside the buildroot. */
function readInside(buildroot: Buildroot, path: PayloadPath): ReadPyc | undefined {
  const place = resolveParent(buildroot, toStaged(buildroot, path));
  return place.kind === 'inside' && place.physical ? readPyc(place.path) : undefined;
}
