import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errnoOf } from '../errors.ts';
import { makeIfMissing } from '../files/directory.ts';
import { foreignWriter, foreignWriterOf } from '../files/foreign-writer.ts';
import { ifPossible } from '../files/if-possible.ts';
import { nameOf, parentOf } from '../files/path.ts';
import { replaceByContent } from '../files/replace.ts';
import { lstatIfAny, statIfAny } from '../files/stat.ts';
import { isShard, namesIn } from './shards.ts';
import { UnusableCache } from './unusable-cache.ts';

/** Tells backup programs that the directory can be recreated. @see https://bford.info/cachedir/ */
const tag = 'Signature: 8a477f597d28d172789f06886806bc55\n# A cache of pyclink. It may be removed at any time.\n';

/** The real path of a cache directory that may not exist. @throws UnusableCache if the system does not tell */
export function placeOfCache(directory: string): string {
  const { existing, missing } = split(directory);
  return asUnusable(directory, 'read', () => join(realpathSync.native(existing), ...missing));
}

/** Creates a cache directory if it is missing. @throws UnusableCache if that fails or is not safe */
export function makeCacheDirectory(directory: string): void {
  const { existing, missing } = split(join(directory, 'v1'), directory);
  if (missing.length === 0) return;
  checkCacheDirectory(directory);
  refuseIf(directory, foreignWriter(existing));
  asUnusable(directory, 'made', () => {
    // One by one: Node's recursive mkdir loops forever where the kernel refuses directories, as in /proc.
    let path = existing;
    for (const name of missing) {
      path = join(path, name);
      makeIfMissing(path, 0o755);
    }
  });
  const tagFile = join(placeOfCache(directory), 'CACHEDIR.TAG');
  if (lstatIfAny(tagFile) === undefined) ifPossible(() => replaceByContent(tagFile, [tag], 0o644));
}

/**
 * Checks a cache directory, the directories above it and those with entries in it. A missing or empty cache has no
 * entries.
 * @returns its path, with all symlinks resolved
 * @throws UnusableCache if it cannot be used, or if somebody else could have put entries into it
 */
export function checkCacheDirectory(directory: string): string {
  const place = placeOfCache(directory);
  return asUnusable(directory, 'read', () => {
    for (const path of [place, join(place, 'v1')]) {
      const found = lstatIfAny(path);
      if (found === undefined) return place;
      if (found.kind !== 'directory') throw new UnusableCache(path, 'it is not a directory');
      refuseIf(path, foreignWriterOf(found));
    }
    refuseIf(place, foreignWriter(resolve(directory)));
    for (const name of namesIn(join(place, 'v1')).filter(isShard)) {
      const path = join(place, 'v1', name);
      const stat = lstatIfAny(path);
      if (stat !== undefined) refuseIf(path, stat.kind === 'symlink' ? 'it is a symlink' : foreignWriterOf(stat));
    }
    return place;
  });
}

/** Splits a path into the part that exists and the missing names. @param directory the cache directory, for messages */
function split(path: string, directory = path): { readonly existing: string; readonly missing: readonly string[] } {
  const missing: string[] = [];
  let existing = resolve(path);
  const exists = () => asUnusable(directory, 'read', () => statIfAny(existing) !== undefined);
  while (existing !== '/' && !exists()) {
    missing.unshift(nameOf(existing));
    existing = parentOf(existing);
  }
  return { existing, missing };
}

/** @throws UnusableCache if there is a reason */
function refuseIf(path: string, reason: string | undefined): void {
  if (reason !== undefined) throw new UnusableCache(path, reason);
}

/** Turns system errors into UnusableCache. */
function asUnusable<T>(directory: string, what: 'read' | 'made', work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UnusableCache || errnoOf(error) === undefined) throw error;
    throw new UnusableCache(directory, `it cannot be ${what} (${errnoOf(error)})`);
  }
}
