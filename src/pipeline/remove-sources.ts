import { type Buildroot, toStaged } from '../buildroot/path.ts';
import { isRegular, type Source } from '../buildroot/source.ts';
import { refusalOf } from '../errors.ts';
import { ifPossible, ifRefused } from '../files/if-possible.ts';
import { nameOf, type PayloadPath, type StagedPath } from '../files/path.ts';
import { readContent, readRegular, withRegular } from '../files/read-regular.ts';
import { removeFile } from '../files/replace.ts';
import { wholeSeconds } from '../files/stat.ts';
import type { PycRecord } from '../manifest/schema.ts';
import { parsePycHeader, staleReason } from '../pyc/header.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import { sha256Of } from '../sha256.ts';
import type { Skipped, SkipReason } from '../skipped.ts';
import { inTurns } from '../turns.ts';

/**
 * Decides which sources a pyc next to them can replace: these can be removed once the manifest is written.
 * @param pycs those that were made, or would be
 * @param symlinks where symlinks lead to: what they lead to stays
 */
export function planRemoval(
  sources: readonly Source[],
  pycs: readonly Pick<PycRecord, 'source'>[],
  symlinks: ReadonlyMap<StagedPath, StagedPath>,
) {
  const made = new Set(pycs.map(({ source }) => source));
  const targets = new Set(symlinks.values());
  const removable: Source[] = [];
  const kept: Skipped[] = [];
  for (const source of sources.filter(({ payload }) => made.has(payload))) {
    const reason = reasonToKeep(source, targets);
    if (reason === undefined) removable.push(source);
    else kept.push({ path: source.payload, reason });
  }
  return { removable, kept };
}

function reasonToKeep(source: Source, targets: ReadonlySet<StagedPath>): SkipReason | undefined {
  if (!isRegular(source)) return 'source-is-symlink';
  if (targets.has(source.staged)) return 'source-is-target';
  if (nameOf(source.payload).slice(0, -'.py'.length).includes('.')) return 'source-not-importable';
  return ifPossible(() => isScript(source.staged)) === true ? 'source-is-script' : undefined;
}

function isScript(file: StagedPath): boolean {
  const start = (descriptor: number) => readContent(descriptor, 2).toString('latin1');
  return withRegular(file, (descriptor, { mode }) => (mode & 0o111) !== 0 && start(descriptor) === '#!') === true;
}

/**
 * Removes sources that have their pyc next to them, if the pyc still has the recorded bytes and matches the current
 * source.
 * @param records of pycs next to their sources
 */
export async function removeSources(buildroot: Buildroot, sources: readonly Source[], records: readonly PycRecord[]) {
  const byPath = new Map(sources.map((source) => [source.payload, source]));
  const removed = new Set<PayloadPath>();
  const skipped: Skipped[] = [];
  for await (const { source: path, paths, sha256 } of inTurns(records)) {
    const source = byPath.get(path);
    if (source === undefined) continue;
    const remove = () => {
      const pyc = readRegular(toStaged(buildroot, paths[0] as PayloadPath))?.content;
      const isRight = (name: string) => pyc !== undefined && sha256Of(pyc) === sha256 && isMadeOf(pyc, name);
      if (removeFile(source.staged, isRight)) removed.add(path);
      else skipped.push({ path, reason: 'source-not-removed', message: 'it or its pyc changed during the build' });
    };
    ifRefused(remove, (error) => skipped.push({ path, reason: 'source-not-removed', message: refusalOf(error) }));
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
