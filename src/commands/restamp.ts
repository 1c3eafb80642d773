import { openBuildroot } from '../buildroot/open.ts';
import { type Buildroot, toPayload } from '../buildroot/path.ts';
import { expandPatterns } from '../buildroot/path-patterns.ts';
import { Scope } from '../buildroot/scope.ts';
import { errnoOf, statusOf } from '../errors.ts';
import { removeLeftovers } from '../files/leftovers.ts';
import { byCodeUnit, type PayloadPath } from '../files/path.ts';
import { findPycs } from '../links/find.ts';
import { restampText, sourceTextsOf } from '../links/restamp.ts';
import type { Log } from '../log.ts';
import { manifestPieces, outputPath, writeWhole } from '../manifest/file.ts';
import { pycsNotIn } from '../manifest/fit.ts';
import { withLock } from '../manifest/lock.ts';
import { readManifest } from '../manifest/read.ts';
import type { Manifest, PycRecord } from '../manifest/schema.ts';
import { parsePycHeader } from '../pyc/header.ts';
import { sha256Of } from '../sha256.ts';
import { skipReasons } from '../skipped.ts';
import { counted } from '../text.ts';
import { inTurns } from '../turns.ts';
import type { CommandResult, TreeOptions } from './result.ts';

export interface RestampOptions extends TreeOptions {
  /** Staged or payload paths; if empty, the whole buildroot. */
  readonly paths: readonly string[];
  readonly mtimeSeconds: number;
  /** The manifest to update. */
  readonly manifest?: string | undefined;
}

/**
 * `pyclink restamp`: changes the mtimes of sources and records them in their pycs. Two runs with one manifest take turns:
 * one could undo the mtime that the other had recorded.
 * @throws PyclinkError
 */
export async function restampCommand(options: RestampOptions, log: Log): Promise<CommandResult> {
  const buildroot = openBuildroot(options.buildroot, options.prepend);
  const path = options.manifest === undefined ? undefined : outputPath(buildroot, options.manifest);
  const run = () => restamp(buildroot, path, options, log);
  return path === undefined || options.dryRun ? run() : withLock(path, (message) => log.warn(message), run);
}

/** @param path of the manifest */
async function restamp(
  buildroot: Buildroot,
  path: string | undefined,
  options: RestampOptions,
  log: Log,
): Promise<CommandResult> {
  const { mtimeSeconds, dryRun } = options;
  const missing = path === undefined ? [] : pycsNotIn(buildroot, readManifest(path));
  const paths = await expandPatterns(buildroot, options.paths);
  const { directories, unreadable, notUtf8 } = findPycs(buildroot, paths);
  const { sources, texts, left } = sourceTextsOf(
    buildroot,
    directories.flatMap(({ sets }) => sets.flat()),
  );
  if (!dryRun) {
    for (const { directory, hasLeftovers } of directories) if (hasLeftovers) removeLeftovers(directory);
  }
  let rewritten = 0;
  const problems: string[] = [];
  const complain = (path: string, message: string) => {
    problems.push(message);
    log.error({ path }, message);
  };
  const leave = (path: string, message: string) => complain(path, `left unchanged, with its source: ${message}`);
  for (const { path, message } of left) leave(toPayload(buildroot, path), message);
  const scope = new Scope(buildroot, paths);
  const restamped = new Map<PayloadPath, Pick<PycRecord, 'sha256' | 'invalidationMode'>>();
  for await (const text of inTurns(texts)) {
    const done = restampText(scope, text, mtimeSeconds, dryRun);
    for (const { path, message } of done.left) leave(toPayload(buildroot, path), message);
    rewritten += done.rewritten;
    if (path === undefined) continue;
    for (const { path, content } of done.pycs) {
      const header = parsePycHeader(content);
      const invalidationMode = 'unreadable' in header ? 'timestamp' : header.invalidationMode;
      restamped.set(toPayload(buildroot, path), { sha256: sha256Of(content), invalidationMode });
    }
  }
  for (const path of notUtf8) leave(path, skipReasons['name-not-utf8']);
  const leftCount = problems.length;
  for (const { directory, error } of unreadable) {
    complain(directory, `${skipReasons['unreadable-directory']} (${errnoOf(error)})`);
  }
  for (const pyc of missing) complain(pyc, 'in the manifest, but not in the buildroot');
  if (path !== undefined && !dryRun) writeWhole(path, manifestPieces(updated(readManifest(path), restamped)));
  const verb = dryRun ? 'to restamp' : 'restamped';
  return {
    status: statusOf(problems),
    text: `pyclink: ${counted(sources, 'source')}, ${counted(rewritten, 'pyc')} ${verb}, ${leftCount} left unchanged\n`,
    data: { dryRun, buildroot: buildroot.path, sources, pycs: rewritten, left: leftCount },
  };
}

/** Returns the manifest with the new digests and invalidation modes. */
function updated(
  manifest: Manifest,
  restamped: ReadonlyMap<PayloadPath, Pick<PycRecord, 'sha256' | 'invalidationMode'>>,
): Manifest {
  const withChange = (record: PycRecord): PycRecord => ({
    ...record,
    ...restamped.get(record.paths[0] as PayloadPath),
  });
  const [linkGroups, singlePycs] = [manifest.linkGroups.map(withChange), manifest.singlePycs.map(withChange)];
  const modes = new Set([...linkGroups, ...singlePycs].map((record) => record.invalidationMode));
  return { ...manifest, invalidationModes: [...modes].sort(byCodeUnit), linkGroups, singlePycs };
}
