import { realpathSync } from 'node:fs';
import { walk } from '../buildroot/walk.ts';
import type { StagedPath } from '../files/path.ts';
import { readRegular } from '../files/read-regular.ts';
import { getOrAdd } from '../get-or-add.ts';
import { type InvalidationMode, parsePycHeader } from '../pyc/header.ts';
import { type Level, parsePycPath } from '../pyc/name.ts';
import { systemLibraries } from './brp.ts';

/** Sources whose pycs have the same levels and the same invalidation mode. */
export interface AlikeSources {
  readonly levels: readonly Level[];
  readonly invalidationMode: InvalidationMode;
  /** Whether they are in directories of the system's Pythons. */
  readonly isSystem: boolean;
  readonly sources: readonly StagedPath[];
}

/** The sources with pycs in a `__pycache__` of a buildroot, and the number of the system's sources without. */
export function existingPycs(buildroot: string): { readonly alike: AlikeSources[]; readonly withoutPycs: number } {
  const top = realpathSync.native(buildroot) as StagedPath;
  const files = walk(top, /.\.py$|\.pyc$/s).found.filter(({ type }) => type === 'file');
  const sources = new Map(
    files.filter(({ path }) => path.endsWith('.py')).map(({ path }) => [path, new Set<string>()]),
  );
  const pycs = new Map<string, { levels: Level[]; invalidationMode: InvalidationMode; source: StagedPath }>();
  for (const { path } of files) {
    const name = path.endsWith('.pyc') ? parsePycPath(path) : undefined;
    if (name?.cacheTag === undefined || !sources.has(name.source)) continue;
    const header = parsePycHeader(readRegular(path)?.content ?? Buffer.of());
    const invalidationMode = 'unreadable' in header ? 'timestamp' : header.invalidationMode;
    const key = `${name.cacheTag} ${name.source}`;
    sources.get(name.source)?.add(key);
    getOrAdd(pycs, key, () => ({ levels: [], invalidationMode, source: name.source })).levels.push(name.level);
  }
  const alike = new Map<string, Omit<AlikeSources, 'sources'> & { sources: Set<StagedPath> }>();
  for (const { levels, invalidationMode, source } of pycs.values()) {
    const isSystem = systemLibraries.test(source.slice(top.length));
    levels.sort();
    const group = getOrAdd(alike, `${levels} ${invalidationMode} ${isSystem}`, () => ({
      levels,
      invalidationMode,
      isSystem,
      sources: new Set<StagedPath>(),
    }));
    group.sources.add(source);
  }
  const isWithout = ([source, keys]: [StagedPath, Set<string>]) =>
    keys.size === 0 && systemLibraries.test(source.slice(top.length));
  return {
    alike: Array.from(alike.values(), (group) => ({ ...group, sources: [...group.sources] })),
    withoutPycs: [...sources].filter(isWithout).length,
  };
}
