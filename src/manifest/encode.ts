import { byCodeUnit, type PayloadPath } from '../buildroot/path.ts';
import { type Level, parsePycPath } from '../bytecode/pyc-name.ts';
import {
  type Manifest,
  type ManifestInterpreter,
  type ManifestSkipped,
  type PycRecord,
  schemaVersion,
} from './schema.ts';

/** What a manifest is made of; the rest of it follows from these. */
export interface ManifestContent {
  readonly interpreters: readonly ManifestInterpreter[];
  readonly records: readonly PycRecord[];
  readonly skipped: readonly ManifestSkipped[];
}

/** Completes and sorts a manifest, so that the order in which the work was done leaves no trace. */
export function completeManifest(pyclink: string, content: ManifestContent): Manifest {
  const records = content.records.map(inOrder).sort((a, b) => byCodeUnit(firstPath(a), firstPath(b)));
  const [tags, levels] = [new Set<string | undefined>(), new Set<Level>()];
  for (const { paths } of records) {
    for (const path of paths) {
      const name = parsePycPath(path);
      tags.add(name?.cacheTag);
      if (name?.level !== undefined) levels.add(name.level);
    }
  }
  const linkGroups = records.filter((record) => record.paths.length > 1);
  const sum = (size: (record: PycRecord) => number) => records.reduce((total, record) => total + size(record), 0);
  return {
    schemaVersion,
    pyclink,
    interpreters: distinct(content.interpreters.filter(({ cacheTag }) => tags.has(cacheTag))),
    optimizationLevels: [...levels].sort(),
    invalidationModes: [...new Set(records.map((record) => record.invalidationMode))].sort(byCodeUnit),
    linkGroups,
    singlePycs: records.filter((record) => record.paths.length === 1),
    skipped: distinct(content.skipped),
    totals: {
      pycs: sum((record) => record.paths.length),
      linkGroups: linkGroups.length,
      links: sum((record) => record.paths.length - 1),
      sizeBytesWithoutLinks: sum((record) => record.paths.length * record.sizeBytes),
      sizeBytes: sum((record) => record.sizeBytes),
    },
  };
}

/** The record itself where its paths are sorted: there may be very many. */
function inOrder(record: PycRecord): PycRecord {
  const { paths } = record;
  const isSorted = paths.every((path, i) => i === 0 || byCodeUnit(paths[i - 1] as string, path) <= 0);
  return isSorted ? record : { ...record, paths: [...paths].sort(byCodeUnit) };
}

/**
 * Merges a run into the manifest of earlier runs over the same buildroot: what this run wrote replaces what was known
 * of it, what is gone is dropped, the rest stays.
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
    // A name that is not UTF-8 is only a rendering: nothing of that name can be looked for.
    ({ path, reason }) => !examined.has(path) && (reason === 'name-not-utf8' || !isGone(path as PayloadPath)),
  );
  return {
    interpreters: [...earlier.interpreters, ...current.interpreters],
    records: [...kept, ...current.records],
    skipped: [...stillSkipped, ...current.skipped],
  };
}

/** The whole content of a manifest again. */
export function recordsOf(manifest: Manifest): readonly PycRecord[] {
  return [...manifest.linkGroups, ...manifest.singlePycs].sort((a, b) => byCodeUnit(firstPath(a), firstPath(b)));
}

function firstPath(record: PycRecord): string {
  return record.paths[0] ?? '';
}

/** Each once, in a fixed order. */
function distinct<T>(items: readonly T[]): T[] {
  const byText = new Map(items.map((item) => [JSON.stringify(item), item]));
  return [...byText].sort(([a], [b]) => byCodeUnit(a, b)).map(([, item]) => item);
}
