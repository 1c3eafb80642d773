import { byCodeUnit, type PayloadPath } from '../files/path.ts';
import { getOrAdd } from '../get-or-add.ts';
import type { Level } from '../pyc/name.ts';
import { CompiledRecord, type RecordKind } from './compiled-record.ts';
import { attributed, cacheTagOf, namesOf, usedInterpreters, versionsByTag } from './interpreters.ts';
import type { Manifest, ManifestInterpreter, ManifestSkipped, PycRecord } from './schema.ts';
import { schemaVersion } from './schema-version.ts';

/** The content of a manifest. The rest is derived from it. */
export interface ManifestContent {
  readonly interpreters: readonly ManifestInterpreter[];
  readonly records: readonly PycRecord[];
  readonly skipped: readonly ManifestSkipped[];
  /** The manifest of earlier runs, whose fields of later versions are kept. */
  readonly earlier?: Manifest;
}

/** Completes and sorts a manifest. The result does not depend on the order of the work. */
export function completeManifest(pyclink: string, content: ManifestContent): Manifest {
  const levels = new Set<Level>();
  const used = new Map<string, Set<string | undefined>>();
  const kinds = new Set<RecordKind>();
  const [linkGroups, singlePycs]: [PycRecord[], PycRecord[]] = [[], []];
  const totals = { pycs: 0, linkGroups: 0, links: 0, sizeBytesWithoutLinks: 0, sizeBytes: 0 };
  for (const record of sortByFirstPath(content.records.map(inOrder))) {
    const { paths, sizeBytes } = record;
    const kind = record instanceof CompiledRecord ? record.kind : undefined;
    // The paths of one kind have the same cache tag and levels.
    const names = kind !== undefined && kinds.has(kind) ? [] : namesOf(record);
    if (kind !== undefined) kinds.add(kind);
    for (const name of names) {
      getOrAdd(used, name.cacheTag ?? '', () => new Set()).add(record.interpreterVersion);
      levels.add(name.level);
    }
    (paths.length > 1 ? linkGroups : singlePycs).push(record);
    totals.pycs += paths.length;
    totals.links += paths.length - 1;
    totals.sizeBytesWithoutLinks += paths.length * sizeBytes;
    totals.sizeBytes += sizeBytes;
  }
  totals.linkGroups = linkGroups.length;
  const interpreters = usedInterpreters(content.interpreters, used);
  const severalTags = new Set<string>();
  for (const [tag, { size }] of versionsByTag(interpreters)) if (size > 1) severalTags.add(tag);
  const named = (record: PycRecord) => withVersionIfOneOfSeveral(record, severalTags);
  const manifest: Manifest = {
    schemaVersion,
    pyclink,
    interpreters,
    optimizationLevels: [...levels].sort(),
    invalidationModes: [...new Set(content.records.map((record) => record.invalidationMode))].sort(byCodeUnit),
    linkGroups: linkGroups.map(named),
    singlePycs: singlePycs.map(named),
    skipped: distinctSkipped(content.skipped),
    totals,
  };
  const later = Object.entries(content.earlier ?? {}).filter(([name]) => !Object.hasOwn(manifest, name));
  return { ...manifest, ...Object.fromEntries(later.sort(([a], [b]) => byCodeUnit(a, b))) };
}

/** Adds the interpreter version to a record only if several versions share its cache tag. */
function withVersionIfOneOfSeveral(record: PycRecord, severalTags: ReadonlySet<string>): PycRecord {
  const isOneOfSeveral = severalTags.size > 0 && severalTags.has(cacheTagOf(record));
  if (record instanceof CompiledRecord) {
    return isOneOfSeveral ? { ...record.toJSON(), interpreterVersion: record.interpreterVersion } : record;
  }
  const { interpreterVersion, ...plain } = record;
  return isOneOfSeveral && interpreterVersion !== undefined ? { ...plain, interpreterVersion } : plain;
}

/** Sorts the paths of a record. Those of a CompiledRecord are sorted. */
function inOrder(record: PycRecord): PycRecord {
  return record instanceof CompiledRecord ? record : { ...record, paths: [...record.paths].sort(byCodeUnit) };
}

/**
 * Merges a run into the manifest of earlier runs over the same buildroot. Records of this run replace older ones, and
 * records of missing files are dropped. The rest is kept, including fields of later versions.
 * @param isOutdated whether this run, which wrote these pycs, supersedes an earlier skipped entry
 * @param isGone whether a payload path is no longer in the buildroot
 */
export function mergeContent(
  earlier: Manifest,
  current: ManifestContent,
  isOutdated: (skipped: ManifestSkipped, written: ReadonlySet<string>) => boolean,
  isGone: (path: PayloadPath) => boolean,
): ManifestContent {
  const written: ReadonlySet<string> = new Set(current.records.flatMap((record) => record.paths));
  const kept = attributed([...earlier.linkGroups, ...earlier.singlePycs], earlier.interpreters)
    .map((record) => ({ ...record, paths: record.paths.filter((path) => !written.has(path) && !isGone(path)) }))
    // Python loads a pyc next to its source even if the source is missing.
    .filter((record) => record.paths.length > 0 && (record.cacheTag !== undefined || !isGone(record.source)));
  const stillSkipped = earlier.skipped.filter(
    // The escaped form of a name that is not UTF-8 cannot be looked up.
    (entry) => !isOutdated(entry, written) && (entry.reason === 'name-not-utf8' || !isGone(entry.path as PayloadPath)),
  );
  return {
    interpreters: [...earlier.interpreters, ...current.interpreters],
    records: [...kept, ...current.records],
    skipped: [...stillSkipped, ...current.skipped],
    earlier,
  };
}

/** All records of a manifest. */
export function recordsOf(manifest: Manifest): readonly PycRecord[] {
  return sortByFirstPath([...manifest.linkGroups, ...manifest.singlePycs]);
}

/** Sorts in place. Sorting by source first is cheaper and nearly right, because pyc paths are built on demand. */
function sortByFirstPath(records: PycRecord[]): PycRecord[] {
  return records.sort((a, b) => byCodeUnit(a.source, b.source)).sort((a, b) => byCodeUnit(firstPath(a), firstPath(b)));
}

function firstPath(record: PycRecord): string {
  return record.paths[0] ?? '';
}

/** Removes duplicates and sorts. */
function distinctSkipped(all: readonly ManifestSkipped[]): ManifestSkipped[] {
  const byFacts = new Map(all.map((entry) => [JSON.stringify([entry.path, entry.reason, entry.message]), entry]));
  return [...byFacts].sort(([a], [b]) => byCodeUnit(a, b)).map(([, entry]) => entry);
}
