import { realpathSync } from 'node:fs';
import { walk } from '../buildroot/walk.ts';
import type { StagedPath } from '../files/path.ts';
import { readRegular } from '../files/read-regular.ts';
import { groupBy } from '../get-or-add.ts';
import { type InvalidationMode, parsePycHeader } from '../pyc/header.ts';
import { parsePycPath } from '../pyc/name.ts';
import { systemLibraries } from './brp.ts';

/**
 * The sources with pycs in a `__pycache__` of a buildroot, together if their pycs have the same levels and the same
 * invalidation mode, and the number of the system's sources without. `isSystem`: in directories of the system's Pythons.
 */
export function existingPycs(buildroot: string) {
  const top = realpathSync.native(buildroot) as StagedPath;
  const files = walk(top, /.\.py$|(?<!\.opt-(?![12]\.)[^.]+)\.pyc$/s).found.flatMap(({ path, type }) =>
    type === 'file' ? path : [],
  );
  const sources = new Set(files.filter((path) => path.endsWith('.py')));
  const isSystem = (source: StagedPath) => systemLibraries.test(source.slice(top.length));
  const pycs = files.flatMap((path) => {
    const name = path.endsWith('.pyc') ? parsePycPath(path) : undefined;
    return name?.cacheTag !== undefined && sources.has(name.source) ? { path, ...name } : [];
  });
  const sets = groupBy(pycs, ({ cacheTag, source }) => `${cacheTag} ${source}`);
  const ofSources = Array.from(sets.values(), (own) => {
    const [{ path, source }] = own as [(typeof own)[number]];
    const header = parsePycHeader(readRegular(path)?.content ?? Buffer.of());
    const invalidationMode: InvalidationMode = 'unreadable' in header ? 'timestamp' : header.invalidationMode;
    return { source, levels: own.map(({ level }) => level).sort(), invalidationMode, isSystem: isSystem(source) };
  });
  const alike = groupBy(ofSources, (one) => `${one.levels} ${one.invalidationMode} ${one.isSystem}`);
  const withPycs = new Set(ofSources.map(({ source }) => source));
  return {
    alike: Array.from(alike.values(), (own) => {
      const [{ source: _, ...shared }] = own as [(typeof own)[number]];
      return { ...shared, sources: [...new Set(own.map(({ source }) => source))] };
    }),
    withoutPycs: [...sources].filter((source) => !withPycs.has(source) && isSystem(source)).length,
  };
}
