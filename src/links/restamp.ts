import { lstatSync } from 'node:fs';
import { applyMtimePolicy } from '../buildroot/mtime.ts';
import { type Buildroot, toPayload } from '../buildroot/path.ts';
import { resolveInBuildroot } from '../buildroot/resolve.ts';
import { mtimeSecondsOf, type SourceFile } from '../buildroot/source.ts';
import { byCodeUnit, type StagedPath } from '../files/path.ts';
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
  readonly left: readonly { readonly path: StagedPath; readonly message: string }[];
  readonly unreadable: FoundPycs['unreadable'];
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
  for (const set of directories.flatMap(({ sets }) => sets)) {
    for (const path of set) {
      const source = sourcePathOf(path);
      pycsOf.set(source, [...(pycsOf.get(source) ?? []), path]);
    }
  }
  const left: Restamped['left'][number][] = [];
  const pycs: ReadPyc[] = [];
  let rewritten = 0;
  for (const [path, names] of [...pycsOf].sort(([a], [b]) => byCodeUnit(a, b))) {
    const source = sourceAt(buildroot, path);
    if (source === undefined) {
      left.push(...names.map((name) => ({ path: name, message: 'it has no source' })));
      continue;
    }
    const read = names.flatMap((name) => readPyc(name) ?? []);
    const dated = read.filter(({ content }) => isDated(content));
    const stamp = (content: Buffer) => withSourceMtime(content, mtimeSeconds);
    const misfits = dated.flatMap((pyc) => {
      const message = misfitOf(pyc.content, source);
      return message === undefined ? [] : [{ path: pyc.path, message }];
    });
    const hindered = [...misfits, ...rewriteFiles(dated, stamp, true).notRewritten];
    if (hindered.length > 0) {
      left.push(...hindered);
      continue;
    }
    const done = rewriteFiles(dated, stamp, dryRun);
    left.push(...done.notRewritten);
    pycs.push(...done.pycs);
    rewritten += done.rewritten;
    if (!dryRun) applyMtimePolicy(buildroot, [source], { policy: 'set', epochSeconds: mtimeSeconds });
  }
  return { sources: pycsOf.size, pycs, rewritten, left, unreadable };
}

/** The source that a pyc is named for. */
function sourcePathOf(path: StagedPath): StagedPath {
  return parsePycPath(path)?.source ?? path;
}

/** The source at a path; undefined if there is no regular file in the buildroot. */
function sourceAt(buildroot: Buildroot, path: StagedPath): SourceFile | undefined {
  const place = resolveInBuildroot(buildroot, path);
  const stat = place.kind === 'inside' ? lstatSync(place.path) : undefined;
  if (place.kind !== 'inside' || stat?.isFile() !== true) return undefined;
  return {
    staged: path,
    payload: toPayload(buildroot, path),
    content: place.path,
    physical: place.physical,
    sizeBytes: stat.size,
    mtimeSeconds: mtimeSecondsOf(stat),
  };
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
