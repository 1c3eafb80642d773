import { type Buildroot, toStaged } from '../buildroot/path.ts';
import { isRegular, type Source } from '../buildroot/source.ts';
import { errnoOf } from '../errors.ts';
import { ifPossible } from '../files/if-possible.ts';
import { nameOf, type PayloadPath } from '../files/path.ts';
import { type RegularFile, readRegular } from '../files/read-regular.ts';
import { removeFile } from '../files/replace.ts';
import { wholeSeconds } from '../files/stat.ts';
import type { PycRecord } from '../manifest/schema.ts';
import { parsePycHeader, staleReason } from '../pyc/header.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import { sha256Of } from '../sha256.ts';
import type { Skipped, SkipReason } from '../skipped.ts';
import { inTurns } from '../turns.ts';

/** The result of removing sources. */
interface Removal {
  readonly removed: ReadonlySet<PayloadPath>;
  readonly skipped: readonly Skipped[];
}

/** The sources that a pyc next to them can replace. */
export function removableOf(sources: readonly Source[]): readonly Source[] {
  const reasonToKeep = reasonsToKeep(sources);
  return sources.filter((source) => reasonToKeep(source) === undefined);
}

/** Finds why a source is kept, even if it has a pyc next to it. */
function reasonsToKeep(sources: readonly Source[]): (source: Source) => SkipReason | undefined {
  const targets = new Set(sources.filter((source) => !isRegular(source)).map(({ content }) => content));
  return (source) => {
    if (!isRegular(source)) return 'source-is-symlink';
    if (targets.has(source.staged)) return 'source-is-target';
    if (nameOf(source.payload).slice(0, -'.py'.length).includes('.')) return 'source-not-importable';
    return isScript(ifPossible(() => readRegular(source.staged))) ? 'source-is-script' : undefined;
  };
}

function isScript(file: RegularFile | undefined): boolean {
  return file !== undefined && (file.stat.mode & 0o111) !== 0 && file.content.toString('latin1', 0, 2) === '#!';
}

/**
 * Removes sources that have their pyc next to them, if the pyc still has the recorded bytes and matches the current
 * source.
 * @param records of pycs next to their sources
 */
export async function removeSources(
  buildroot: Buildroot,
  sources: readonly Source[],
  records: readonly PycRecord[],
): Promise<Removal> {
  const byPath = new Map(sources.map((source) => [source.payload, source]));
  const removed = new Set<PayloadPath>();
  const skipped: Skipped[] = [];
  const reasonToKeep = reasonsToKeep(sources);
  for await (const { source: path, paths, sha256 } of inTurns(records)) {
    const source = byPath.get(path);
    if (source === undefined) continue;
    const reason = reasonToKeep(source);
    if (reason !== undefined) {
      skipped.push({ path, reason });
      continue;
    }
    try {
      const pyc = readRegular(toStaged(buildroot, paths[0] as PayloadPath))?.content;
      const isRight = (name: string) => pyc !== undefined && sha256Of(pyc) === sha256 && isMadeOf(pyc, name);
      if (removeFile(source.staged, isRight)) removed.add(path);
      else skipped.push({ path, reason: 'source-not-removed', message: 'it or its pyc changed meanwhile' });
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined) throw error;
      skipped.push({ path, reason: 'source-not-removed', message: errno });
    }
  }
  return { removed, skipped };
}

function isMadeOf(pyc: Buffer, source: string): boolean {
  const [header, file] = [parsePycHeader(pyc), readRegular(source)];
  if ('unreadable' in header || file === undefined) return false;
  const { sizeBytes, modifiedNs } = file.stat;
  const hash = (magicNumber: number) => sourceHash(magicNumber, file.content);
  return staleReason(header, { sizeBytes, mtimeSeconds: wholeSeconds(modifiedNs), hash }) === undefined;
}
