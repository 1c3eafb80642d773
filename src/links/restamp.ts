import { applyMtimePolicy } from '../buildroot/mtime.ts';
import type { MtimePolicy } from '../buildroot/mtime-policy.ts';
import { type Buildroot, toPayload } from '../buildroot/path.ts';
import { resolveInBuildroot } from '../buildroot/resolve.ts';
import { Scope } from '../buildroot/scope.ts';
import type { SourceFile } from '../buildroot/source.ts';
import { errnoOf } from '../errors.ts';
import { byCodeUnit, type StagedPath } from '../files/path.ts';
import { type FileIdentity, type FileStat, lstat, wholeSeconds } from '../files/stat.ts';
import { getOrAdd } from '../get-or-add.ts';
import { parsePycHeader, staleReason, withSourceMtime } from '../pyc/header.ts';
import { parsePycPath } from '../pyc/name.ts';
import { type FoundPycs, findPycs } from './find.ts';
import { type ReadPyc, readPyc } from './fingerprint.ts';
import { rewriteFiles } from './rewrite.ts';

/** What restamp did. */
export interface Restamped {
  /** Sources with pycs. */
  readonly sources: number;
  /** The timestamp-based pycs of those that could be restamped, as they are now. */
  readonly pycs: readonly ReadPyc[];
  /** How many of them have another header than before. */
  readonly rewritten: number;
  /** What was left as it is, and why. */
  readonly left: readonly LeftPyc[];
  readonly unreadable: FoundPycs['unreadable'];
}

interface LeftPyc {
  readonly path: StagedPath;
  readonly message: string;
}

/** A file with source text: the names under which it was compiled, and their pycs. It has one mtime for all of them. */
interface SourceText {
  readonly names: SourceFile[];
  readonly pycs: ReadPyc[];
  /** The pycs that do not fit it. */
  readonly misfits: LeftPyc[];
}

/**
 * Gives sources another mtime, and records it in their pycs, which stay valid so. A source is left alone with all its
 * pycs if one of these does not fit it: that one might look valid afterwards.
 * @param paths staged or payload paths; none: the whole buildroot
 * @throws PyclinkError `usage` for a PATH that cannot be used, `file-failed`
 */
export function restamp(
  buildroot: Buildroot,
  paths: readonly string[],
  mtimeSeconds: number,
  dryRun: boolean,
): Restamped {
  const { directories, unreadable } = findPycs(buildroot, paths);
  const pycsOf = new Map<StagedPath, StagedPath[]>();
  for (const path of directories.flatMap(({ sets }) => sets.flat())) {
    getOrAdd(pycsOf, parsePycPath(path)?.source ?? path, () => []).push(path);
  }
  const left: LeftPyc[] = [];
  const pycs: ReadPyc[] = [];
  let rewritten = 0;
  const scope = new Scope(buildroot, paths);
  for (const { names, pycs: own, misfits } of sourceTexts(buildroot, pycsOf, left)) {
    const stamp = (content: Buffer) => withSourceMtime(content, mtimeSeconds);
    const isInside = names.every(({ content }) => scope.includes(content));
    const outside = isInside ? [] : own.map(({ path }) => ({ path, message: 'its source is outside the PATHs' }));
    const hindered = [...misfits, ...outside, ...rewriteFiles(own, stamp, true).notRewritten];
    if (hindered.length > 0) {
      left.push(...hindered);
      continue;
    }
    const policy: MtimePolicy = dryRun ? { policy: 'keep' } : { policy: 'set', epochSeconds: mtimeSeconds };
    const [refused] = applyMtimePolicy(scope, names, policy).refused;
    if (refused !== undefined) {
      const message = `the mtime of its source cannot be set (${errnoOf(refused.error)})`;
      left.push(...own.map(({ path }) => ({ path, message })));
      continue;
    }
    const done = rewriteFiles(own, stamp, dryRun);
    left.push(...done.notRewritten);
    pycs.push(...done.pycs);
    rewritten += done.rewritten;
  }
  return { sources: pycsOf.size, pycs, rewritten, left, unreadable };
}

/** The sources by file: symlinks and hard links are names of one. @param left gets the pycs without a source */
function sourceTexts(
  buildroot: Buildroot,
  pycsOf: ReadonlyMap<StagedPath, readonly StagedPath[]>,
  left: LeftPyc[],
): SourceText[] {
  const texts = new Map<FileIdentity, SourceText>();
  for (const [path, names] of [...pycsOf].sort(([a], [b]) => byCodeUnit(a, b))) {
    const found = sourceAt(buildroot, path);
    if (found === undefined) {
      left.push(...names.map((name) => ({ path: name, message: 'it has no source' })));
      continue;
    }
    const { source, stat } = found;
    const text = getOrAdd(texts, stat.identity, () => ({ names: [], pycs: [], misfits: [] }));
    const dated = names.flatMap((name) => readPyc(name) ?? []).filter(({ content }) => isDated(content));
    text.names.push(source);
    text.pycs.push(...dated);
    for (const pyc of dated) {
      const message = misfitOf(pyc.content, source);
      if (message !== undefined) text.misfits.push({ path: pyc.path, message });
    }
  }
  return [...texts.values()];
}

/** The source at a path; undefined if there is no regular file in the buildroot. */
function sourceAt(
  buildroot: Buildroot,
  path: StagedPath,
): { readonly source: SourceFile; readonly stat: FileStat } | undefined {
  const place = resolveInBuildroot(buildroot, path);
  const stat = place.kind === 'inside' ? lstat(place.path) : undefined;
  if (place.kind !== 'inside' || stat?.kind !== 'file') return undefined;
  const source = {
    staged: path,
    payload: toPayload(buildroot, path),
    content: place.path,
    physical: place.physical,
    hasCache: true,
    sizeBytes: stat.sizeBytes,
    mtimeSeconds: wholeSeconds(stat.modifiedNs),
  };
  return { source, stat };
}

/** Whether a pyc is checked by the mtime of its source, or is none. */
function isDated(content: Buffer): boolean {
  const header = parsePycHeader(content);
  return 'unreadable' in header || header.invalidationMode === 'timestamp';
}

function misfitOf(content: Buffer, source: SourceFile): string | undefined {
  const header = parsePycHeader(content);
  return 'unreadable' in header ? `it ${header.unreadable}` : staleReason(header, { ...source, hash: () => '' });
}
