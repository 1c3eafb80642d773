import { openBuildroot } from '../buildroot/open.ts';
import { type Buildroot, isInside, toPayload, toStaged } from '../buildroot/path.ts';
import { resolveParent } from '../buildroot/resolve.ts';
import { errnoOf, statusOf } from '../errors.ts';
import { ifRefused } from '../files/if-possible.ts';
import { removeLeftovers } from '../files/leftovers.ts';
import { type PayloadPath, parentOf, type StagedPath } from '../files/path.ts';
import { linkIdentical, planIdentical } from '../links/apply.ts';
import { type ReadPyc, readPyc, sameContent } from '../links/fingerprint.ts';
import type { Log } from '../log.ts';
import { pycsNotIn } from '../manifest/fit.ts';
import { readManifest } from '../manifest/read.ts';
import { sha256Of } from '../sha256.ts';
import { skipReasons } from '../skipped.ts';
import { counted } from '../text.ts';
import { inTurns } from '../turns.ts';
import type { CommandResult, TreeOptions } from './result.ts';

export interface RelinkOptions extends TreeOptions {
  readonly manifest: string;
}

/**
 * `pyclink relink`: restores the link groups of a manifest where the contents still match. The manifest is not trusted:
 * only pycs of one source, inside the buildroot, are ever linked.
 * @throws PyclinkError
 */
export async function relinkCommand(options: RelinkOptions, log: Log): Promise<CommandResult> {
  const buildroot = openBuildroot(options.buildroot, options.prepend);
  const manifest = readManifest(options.manifest);
  pycsNotIn(buildroot, manifest);
  const cleaned = new Set<StagedPath>();
  const refused: string[] = [];
  let links = 0;
  const refuse = (path: PayloadPath, reason: string) => {
    refused.push(reason);
    log.error({ path }, reason);
  };
  for await (const { paths, sha256 } of inTurns(manifest.linkGroups)) {
    const pycs = paths.flatMap((path) => {
      const pyc = readInside(buildroot, path);
      if (typeof pyc === 'string') refuse(path, `not relinked: ${pyc}`);
      return typeof pyc === 'string' ? [] : pyc;
    });
    const [first] = pycs;
    if (first === undefined) continue;
    const directory = parentOf(first.path);
    if (!options.dryRun && !cleaned.has(directory)) removeLeftovers(directory);
    cleaned.add(directory);
    const right = pycs.find(({ content }) => sha256Of(content) === sha256) ?? first;
    for (const pyc of pycs) {
      if (!sameContent(right, pyc)) {
        const other = toPayload(buildroot, right.path);
        refuse(toPayload(buildroot, pyc.path), `not relinked: its content differs from that of ${other}`);
      }
    }
    const { replaced, notLinked } = options.dryRun ? planIdentical(pycs) : linkIdentical(pycs);
    links += replaced.length;
    for (const { path, reason, errno } of notLinked) {
      refuse(toPayload(buildroot, path), [skipReasons[reason], errno].filter(Boolean).join(': '));
    }
  }
  const verb = options.dryRun ? 'to restore' : 'restored';
  const groups = manifest.linkGroups.length;
  return {
    status: statusOf(refused),
    text: `pyclink: ${counted(groups, 'link group')}, ${counted(links, 'link')} ${verb}, ${refused.length} refused\n`,
    data: { dryRun: options.dryRun, buildroot: buildroot.path, linkGroups: groups, links, refused: refused.length },
  };
}

/**
 * Reads a pyc if its directory is inside the buildroot after the kernel has followed all symlinks.
 * @returns the pyc, or the reason why it could not be read
 */
function readInside(buildroot: Buildroot, path: PayloadPath): ReadPyc | string {
  return ifRefused(
    () => {
      const place = isInside(buildroot, path) ? resolveParent(buildroot, toStaged(buildroot, path)) : undefined;
      const pyc = place?.kind === 'inside' && place.physical ? readPyc(place.path) : undefined;
      return pyc ?? 'not a file in the buildroot';
    },
    (error) => `cannot be read (${errnoOf(error)})`,
  );
}
