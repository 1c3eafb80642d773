import { openBuildroot } from '../buildroot/open.ts';
import { type Buildroot, toPayload } from '../buildroot/path.ts';
import { errnoOf, exitStatus } from '../errors.ts';
import type { PayloadPath } from '../files/path.ts';
import type { ReadPyc } from '../links/fingerprint.ts';
import { restamp } from '../links/restamp.ts';
import type { Log } from '../log.ts';
import { manifestPieces, outputPath, writeWhole } from '../manifest/file.ts';
import { withLock } from '../manifest/lock.ts';
import { readManifest } from '../manifest/read.ts';
import type { Manifest, PycRecord } from '../manifest/schema.ts';
import { sha256Of } from '../sha256.ts';
import { skipReasons } from '../skipped.ts';
import { counted } from '../text.ts';
import type { CommandResult } from './result.ts';

export interface RestampOptions {
  readonly buildroot: string | undefined;
  /** Staged or payload paths; none: the whole buildroot. */
  readonly paths: readonly string[];
  readonly mtimeSeconds: number;
  /** Is brought up to date. */
  readonly manifest?: string | undefined;
  readonly dryRun: boolean;
}

/** `pyclink restamp`: gives sources and their pycs another mtime, without compiling. @throws PyclinkError */
export async function restampCommand(options: RestampOptions, log: Log): Promise<CommandResult> {
  const { mtimeSeconds, dryRun } = options;
  const buildroot = openBuildroot(options.buildroot);
  const path = options.manifest === undefined ? undefined : outputPath(buildroot, options.manifest);
  if (path !== undefined) readManifest(path);
  const { sources, pycs, rewritten, left, unreadable } = restamp(buildroot, options.paths, mtimeSeconds, dryRun);
  for (const { path: staged, message } of left) {
    log.error({ path: toPayload(buildroot, staged) }, `left with its source as it is: ${message}`);
  }
  for (const { directory, error } of unreadable) {
    log.error({ path: directory }, `${skipReasons['unreadable-directory']} (${errnoOf(error)})`);
  }
  if (path !== undefined && !dryRun) {
    const update = () => writeWhole(path, manifestPieces(withDigests(readManifest(path), buildroot, pycs)));
    await withLock(path, (message) => log.warn(message), update);
  }
  const verb = dryRun ? 'to restamp' : 'restamped';
  return {
    status: left.length + unreadable.length === 0 ? exitStatus.done : exitStatus.problems,
    text: `pyclink: ${counted(sources, 'source')}, ${counted(rewritten, 'pyc')} ${verb}, ${left.length} left\n`,
    data: { dryRun, buildroot: buildroot.path, sources, pycs: rewritten, left: left.length },
  };
}

/** The manifest with the digests of these pycs as they are now. */
function withDigests(manifest: Manifest, buildroot: Buildroot, pycs: readonly ReadPyc[]): Manifest {
  const digests = new Map<PayloadPath, string>();
  for (const { path, content } of pycs) digests.set(toPayload(buildroot, path), sha256Of(content));
  const updated = (record: PycRecord): PycRecord => {
    const sha256 = record.paths[0] === undefined ? undefined : digests.get(record.paths[0]);
    return sha256 === undefined ? record : { ...record, sha256 };
  };
  return {
    ...manifest,
    linkGroups: manifest.linkGroups.map(updated),
    singlePycs: manifest.singlePycs.map(updated),
  };
}
