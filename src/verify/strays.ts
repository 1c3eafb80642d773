import { readerOf, readsTag } from '../buildroot/python-directory.ts';
import type { PycRecord } from '../manifest/schema.ts';
import type { Payload } from '../payload/payload.ts';
import { parsePycPath } from '../pyc/name.ts';
import type { Finding } from './check.ts';

/**
 * Pycs that are in a payload, but not in its manifest: `orphan` without a source, `foreign` where an interpreter made
 * them that does not read that directory, or that this build did not use. Others may have been made by the spec.
 * @param cacheTags of the interpreters in the manifest
 */
export function findStrays(records: readonly PycRecord[], cacheTags: readonly string[], payload: Payload): Finding[] {
  const recorded = new Set(records.flatMap(({ paths }) => paths));
  const sources = new Set(records.map(({ source }) => source));
  return [...payload.entries.keys()].flatMap((path): Finding[] => {
    const { source, cacheTag } = parsePycPath(path) ?? {};
    if (source === undefined || cacheTag === undefined || recorded.has(path)) return [];
    if (!payload.has(source)) return [{ kind: 'orphan', path, detail: `there is no ${source}` }];
    if (cacheTags.includes(cacheTag)) return [];
    const reader = readerOf(path);
    if (reader !== undefined && !readsTag(reader, cacheTag)) {
      return [{ kind: 'foreign', path, detail: `${reader} does not read the pycs of ${cacheTag}` }];
    }
    if (reader !== undefined || !sources.has(source)) return [];
    return [
      { kind: 'foreign', path, detail: `made by ${cacheTag}, the others of its source by ${cacheTags.join(', ')}` },
    ];
  });
}
