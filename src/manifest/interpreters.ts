import { byCodeUnit, type PayloadPath } from '../files/path.ts';
import { getOrAdd } from '../get-or-add.ts';
import { type PycName, parsePycPath } from '../pyc/name.ts';
import type { ManifestInterpreter, PycRecord } from './schema.ts';

/** The versions of the interpreters that compiled, by cache tag. Contains undefined if a version is unknown. */
export type UsedVersions = ReadonlyMap<string, ReadonlySet<string | undefined>>;

/** The names of a record's pycs. The record has what the name of a pyc next to its source does not tell. */
export function namesOf({ paths, cacheTag, optimizationLevel }: PycRecord): PycName<PayloadPath>[] {
  return paths.flatMap((path) => {
    const name = parsePycPath(path);
    if (name === undefined) return [];
    return { ...name, cacheTag: cacheTag ?? name.cacheTag, level: optimizationLevel ?? name.level };
  });
}

/** The cache tag of a record's pycs. */
export function cacheTagOf({ paths: [path], cacheTag }: Pick<PycRecord, 'paths' | 'cacheTag'>): string {
  return cacheTag ?? (path && parsePycPath(path)?.cacheTag) ?? '';
}

/**
 * The interpreters that compiled something, sorted, without duplicates, and with the latest fields of later versions.
 */
export function usedInterpreters(all: readonly ManifestInterpreter[], used: UsedVersions): ManifestInterpreter[] {
  const byFacts = new Map<string, ManifestInterpreter>();
  for (const interpreter of all) {
    const { implementation, version, cacheTag, magicNumber } = interpreter;
    const versions = used.get(cacheTag);
    if (versions === undefined || !(versions.has(version) || versions.has(undefined))) continue;
    const facts = { implementation, version, cacheTag, magicNumber };
    const key = JSON.stringify(facts);
    byFacts.set(key, { ...facts, ...byFacts.get(key), ...interpreter });
  }
  return [...byFacts].sort(([a], [b]) => byCodeUnit(a, b)).map(([, interpreter]) => interpreter);
}

/** The versions by cache tag. */
export function versionsByTag(interpreters: readonly ManifestInterpreter[]): Map<string, Set<string>> {
  const versions = new Map<string, Set<string>>();
  for (const { cacheTag, version } of interpreters) getOrAdd(versions, cacheTag, () => new Set()).add(version);
  return versions;
}

/** Adds the interpreter's version to records that only one interpreter of the manifest can have compiled. */
export function attributed(records: readonly PycRecord[], interpreters: readonly ManifestInterpreter[]): PycRecord[] {
  const versions = versionsByTag(interpreters);
  return records.map((record) => {
    const [only, ...others] = versions.get(cacheTagOf(record)) ?? [];
    if (record.interpreterVersion !== undefined || only === undefined || others.length > 0) return record;
    return { ...record, interpreterVersion: only };
  });
}
