import { openBuildroot } from '../buildroot/open.ts';
import { toPayload } from '../buildroot/path.ts';
import { Scope } from '../buildroot/scope.ts';
import { errnoOf, exitStatus } from '../errors.ts';
import { removeLeftovers } from '../files/leftovers.ts';
import type { PayloadPath } from '../files/path.ts';
import { findPycs } from '../links/find.ts';
import { type LeftFile, restampText, sourceTextsOf } from '../links/restamp.ts';
import type { Log } from '../log.ts';
import { manifestPieces, outputPath, writeWhole } from '../manifest/file.ts';
import { pycsNotIn } from '../manifest/fit.ts';
import { withLock } from '../manifest/lock.ts';
import { readManifest } from '../manifest/read.ts';
import type { Manifest, PycRecord } from '../manifest/schema.ts';
import { sha256Of } from '../sha256.ts';
import { skipReasons } from '../skipped.ts';
import { counted } from '../text.ts';
import { inTurns } from '../turns.ts';
import type { CommandResult } from './result.ts';

export interface RestampOptions {
  readonly buildroot: string | undefined;
  /** The directory where the tree will be installed. */
  readonly prepend: string;
  /** Staged or payload paths; if empty, the whole buildroot. */
  readonly paths: readonly string[];
  readonly mtimeSeconds: number;
  /** The manifest to update. */
  readonly manifest?: string | undefined;
  readonly dryRun: boolean;
}

/** `pyclink restamp`: changes the mtimes of sources and records them in their pycs. @throws PyclinkError */
export async function restampCommand(options: RestampOptions, log: Log): Promise<CommandResult> {
  const { mtimeSeconds, dryRun } = options;
  const buildroot = openBuildroot(options.buildroot, options.prepend);
  const path = options.manifest === undefined ? undefined : outputPath(buildroot, options.manifest);
  const missing = path === undefined ? [] : pycsNotIn(buildroot, readManifest(path));
  const { directories, unreadable, notUtf8 } = findPycs(buildroot, options.paths);
  const { sources, texts, left } = sourceTextsOf(
    buildroot,
    directories.flatMap(({ sets }) => sets.flat()),
  );
  if (!dryRun) {
    for (const { directory, hasLeftovers } of directories) if (hasLeftovers) removeLeftovers(directory);
  }
  let [rewritten, leftCount] = [0, 0];
  const complain = (files: readonly LeftFile[]) => {
    leftCount += files.length;
    for (const file of files) {
      log.error({ path: toPayload(buildroot, file.path) }, `left unchanged, with its source: ${file.message}`);
    }
  };
  complain(left);
  const scope = new Scope(buildroot, options.paths);
  const digests = new Map<PayloadPath, string>();
  for await (const text of inTurns(texts)) {
    const done = restampText(scope, text, mtimeSeconds, dryRun);
    complain(done.left);
    rewritten += done.rewritten;
    if (path === undefined) continue;
    for (const pyc of done.pycs) digests.set(toPayload(buildroot, pyc.path), sha256Of(pyc.content));
  }
  for (const path of notUtf8) log.error({ path }, `left unchanged, with its source: ${skipReasons['name-not-utf8']}`);
  leftCount += notUtf8.length;
  for (const { directory, error } of unreadable) {
    log.error({ path: directory }, `${skipReasons['unreadable-directory']} (${errnoOf(error)})`);
  }
  for (const pyc of missing) log.error({ path: pyc }, 'in the manifest, but not in the buildroot');
  if (path !== undefined && !dryRun) {
    const update = () => writeWhole(path, manifestPieces(withDigests(readManifest(path), digests)));
    await withLock(path, (message) => log.warn(message), update);
  }
  const verb = dryRun ? 'to restamp' : 'restamped';
  return {
    status: leftCount + unreadable.length + missing.length === 0 ? exitStatus.done : exitStatus.problems,
    text: `pyclink: ${counted(sources, 'source')}, ${counted(rewritten, 'pyc')} ${verb}, ${leftCount} left\n`,
    data: { dryRun, buildroot: buildroot.path, sources, pycs: rewritten, left: leftCount },
  };
}

/** Returns the manifest with new digests. */
function withDigests(manifest: Manifest, digests: ReadonlyMap<PayloadPath, string>): Manifest {
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
