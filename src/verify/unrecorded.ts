import { pythonDirectoryOf, readerOf, readsTag } from '../buildroot/python-directory.ts';
import type { PayloadPath } from '../files/path.ts';
import type { PycRecord } from '../manifest/schema.ts';
import type { BytecodeFacts } from '../payload/bytecode.ts';
import type { PayloadEntry } from '../payload/entry.ts';
import type { Payload } from '../payload/payload.ts';
import { parsePycPath } from '../pyc/name.ts';
import type { Finding } from './finding.ts';

/**
 * Pycs that are in a payload, but not in its manifest: `unrecorded` if an interpreter loads them, so that code runs which
 * the build did not compile; `orphan` without a source, `foreign` where no interpreter that reads the directory made them.
 * @param cacheTags of the interpreters in the manifest
 * @param isAllowed tells what the package has on purpose
 */
export function findUnrecorded(
  records: readonly PycRecord[],
  cacheTags: readonly string[],
  payload: Payload,
  { pycs }: Pick<BytecodeFacts, 'pycs'>,
  isAllowed: (path: PayloadPath) => boolean,
): Finding[] {
  const recorded = new Set(records.flatMap(({ paths }) => paths.flatMap((path) => payload.at(path))));
  const sources = new Set(records.map(({ source }) => source));
  return payload.all.flatMap((entry): Finding[] => {
    const { path, container } = entry;
    // A hard link to nothing has no bytes.
    const isStored =
      entry.type === 'symlink' || (entry.type === 'file' && pycs.has(entry.file) && entry.isGhost !== true);
    if (!isStored || recorded.has(entry) || isAllowed(path) || pythonDirectoryOf(path)?.kind === 'python2') return [];
    const name = parsePycPath(path);
    if (name === undefined) return [];
    const of = (kind: Finding['kind'], detail: string): Finding[] => [{ kind, path, container, detail }];
    if (name.cacheTag === undefined) {
      return isLoadedAlone(entry, payload.has(name.source)) ? of('unrecorded', 'is loaded without a source') : [];
    }
    if (!payload.has(name.source)) return of('orphan', `there is no ${name.source}`);
    const reader = readerOf(path);
    if (reader !== undefined && !readsTag(reader, name.cacheTag)) {
      return of('foreign', `${reader} does not read the pycs of ${name.cacheTag}`);
    }
    if (sources.has(name.source) && !cacheTags.includes(name.cacheTag)) {
      return of('unrecorded', `made by ${name.cacheTag}, the others of its source by ${cacheTags.join(', ')}`);
    }
    return of('unrecorded', 'not in the manifest: this build did not make it');
  });
}

/** Whether Python loads a pyc that is not in a `__pycache__`. In a zip it does so even beside a source. */
function isLoadedAlone({ path, mtimeIs }: PayloadEntry, hasSource: boolean): boolean {
  return path.endsWith('.pyc') && (!hasSource || mtimeIs !== undefined);
}
