import type { Source } from '../buildroot/source.ts';
import { symlinksIn } from '../buildroot/symlinks.ts';
import type { Pools } from '../compile/open-pools.ts';
import type { PycRecord } from '../manifest/schema.ts';
import { pycPath } from '../pyc/name.ts';
import { interpretersOf, type Settings } from './compile-all.ts';
import type { Planned } from './prune-reasons.ts';
import { planRemoval } from './remove-sources.ts';

/**
 * Removes old pycs for `--prune`, and plans what `--remove-sources` removes once the manifest is written.
 * @param found all sources
 * @param dated those whose mtime is as wanted
 * @param records of the pycs that were made
 */
export async function removeOld(
  found: readonly Source[],
  dated: readonly Source[],
  pools: Pools,
  records: readonly PycRecord[],
  options: Settings,
) {
  const { buildroot, paths, prune, removeSources, dryRun } = options;
  if (!prune && !removeSources) return {};
  // A dry run does not know which sources do not compile.
  const planned = plannedPycs(found, pools, options);
  const symlinks = symlinksIn(buildroot, paths);
  const removal = removeSources ? planRemoval(dated, dryRun ? planned : records, symlinks) : undefined;
  if (!prune) return { removal };
  const toRemove = new Set(removal?.removable.map(({ staged }) => staged));
  const { prune: removePycs } = await import('./prune.ts');
  return { removal, old: await removePycs({ options, sources: dated, planned, symlinks, toRemove }) };
}

function plannedPycs(sources: readonly Source[], pools: Pools, { levels, layout }: Settings): Planned[] {
  return sources.flatMap((source) =>
    interpretersOf(pools)(source).map(({ cacheTag }) => ({
      source: source.payload,
      cacheTag,
      paths: levels.map((level) => pycPath(source.payload, cacheTag, level, layout)),
    })),
  );
}
