import { byCodeUnit, type PayloadPath } from '../files/path.ts';
import { type Level, parsePycPath } from '../pyc/name.ts';
import { CompiledRecord, type RecordKind } from './compiled-record.ts';
import type { Manifest, ManifestInterpreter, ManifestSkipped, PycRecord } from './schema.ts';
import { schemaVersion } from './schema-version.ts';

/** The content of a manifest, from which the rest follows. */
export interface ManifestContent {
  readonly interpreters: readonly ManifestInterpreter[];
  readonly records: readonly PycRecord[];
  readonly skipped: readonly ManifestSkipped[];
}

/** Completes and sorts a manifest: it does not depend on the order of the work. */
export function completeManifest(pyclink: string, content: ManifestContent): Manifest {
  const [tags, levels] = [new Set<string | undefined>(), new Set<Level>()];
  const kinds = new Set<RecordKind>();
  const [linkGroups, singlePycs]: [PycRecord[], PycRecord[]] = [[], []];
  const totals = { pycs: 0, linkGroups: 0, links: 0, sizeBytesWithoutLinks: 0, sizeBytes: 0 };
  for (const record of sortByFirstPath(content.records.map(inOrder))) {
    const { paths, sizeBytes } = record;
    const kind = record instanceof CompiledRecord ? record.kind : undefined;
    // The paths of one kind have the same tags and levels.
    const names = kind !== undefined && kinds.has(kind) ? [] : paths.map(parsePycPath);
    if (kind !== undefined) kinds.add(kind);
    for (const name of names) {
      tags.add(name?.cacheTag);
      if (name?.level !== undefined) levels.add(name.level);
    }
    (paths.length > 1 ? linkGroups : singlePycs).push(record);
    totals.pycs += paths.length;
    totals.links += paths.length - 1;
    totals.sizeBytesWithoutLinks += paths.length * sizeBytes;
    totals.sizeBytes += sizeBytes;
  }
  totals.linkGroups = linkGroups.length;
  return {
    schemaVersion,
    pyclink,
    interpreters: distinct(content.interpreters.filter(({ cacheTag }) => tags.has(cacheTag))),
    optimizationLevels: [...levels].sort(),
    invalidationModes: [...new Set(content.records.map((record) => record.invalidationMode))].sort(byCodeUnit),
    linkGroups,
    singlePycs,
    skipped: distinct(content.skipped),
    totals,
  };
}

/** Returns the record itself if its paths are sorted, to save memory. Those of a CompiledRecord always are. */
function inOrder(record: PycRecord): PycRecord {
  if (record instanceof CompiledRecord) return record;
  const { paths } = record;
  const isSorted = paths.every((path, i) => i === 0 || byCodeUnit(paths[i - 1] as string, path) <= 0);
  return isSorted ? record : { ...record, paths: [...paths].sort(byCodeUnit) };
}

/**
 * Merges a run into the manifest of earlier runs over the same buildroot: records of this run replace older ones,
 * records of files that are gone are dropped, the rest stays.
 * @param isGone whether a payload path is no longer in the buildroot
 * @param examined the sources that this run looked at
 */
export function mergeContent(
  earlier: Manifest,
  current: ManifestContent,
  examined: ReadonlySet<string>,
  isGone: (path: PayloadPath) => boolean,
): ManifestContent {
  const written = new Set(current.records.flatMap((record) => record.paths));
  const kept = [...earlier.linkGroups, ...earlier.singlePycs]
    .map((record) => ({ ...record, paths: record.paths.filter((path) => !written.has(path) && !isGone(path)) }))
    .filter((record) => record.paths.length > 0 && !isGone(record.source));
  const stillSkipped = earlier.skipped.filter(
    // The shown form of a name that is not UTF-8 cannot be looked up.
    ({ path, reason }) => !examined.has(path) && (reason === 'name-not-utf8' || !isGone(path as PayloadPath)),
  );
  return {
    interpreters: [...earlier.interpreters, ...current.interpreters],
    records: [...kept, ...current.records],
    skipped: [...stillSkipped, ...current.skipped],
  };
}

/** All records of a manifest. */
export function recordsOf(manifest: Manifest): readonly PycRecord[] {
  return sortByFirstPath([...manifest.linkGroups, ...manifest.singlePycs]);
}

/** Sorts in place. Sorting by source first is nearly right, and cheaper: paths of pycs are built on demand. */
function sortByFirstPath(records: PycRecord[]): PycRecord[] {
  return records.sort((a, b) => byCodeUnit(a.source, b.source)).sort((a, b) => byCodeUnit(firstPath(a), firstPath(b)));
}

function firstPath(record: PycRecord): string {
  return record.paths[0] ?? '';
}

/** Each once, in a fixed order. */
function distinct<T>(items: readonly T[]): T[] {
  const byText = new Map(items.map((item) => [JSON.stringify(item), item]));
  return [...byText].sort(([a], [b]) => byCodeUnit(a, b)).map(([, item]) => item);
}
