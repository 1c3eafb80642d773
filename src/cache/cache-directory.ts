import { mkdirSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errnoOf } from '../errors.ts';
import { foreignWriter, foreignWriterOf } from '../files/foreign-writer.ts';
import { ifPossible } from '../files/if-possible.ts';
import { nameOf, parentOf } from '../files/path.ts';
import { replaceByContent } from '../files/replace.ts';
import { lstatIfAny, statIfAny } from '../files/stat.ts';
import { shardsIn } from './shards.ts';
import { UnusableCache } from './unusable-cache.ts';

/** Tells backup programs that the directory can be made anew. @see https://bford.info/cachedir/ */
const tag = 'Signature: 8a477f597d28d172789f06886806bc55\n# A cache of pyclink. It may be removed at any time.\n';

/** Where a cache directory is, or would be made, with all symlinks resolved. @throws UnusableCache if nobody can tell */
export function placeOfCache(directory: string): string {
  const { existing, missing } = split(directory);
  return asUnusable(directory, 'read', () => join(realpathSync.native(existing), ...missing));
}

/** Makes a cache directory if it is missing. @throws UnusableCache if that fails, or others may write above it */
export function makeCacheDirectory(directory: string): void {
  const { existing, missing } = split(join(directory, 'v1'), directory);
  if (missing.length === 0) return;
  checkCacheDirectory(directory);
  refuseForeign(directory, existing);
  asUnusable(directory, 'made', () => {
    // One by one: Node's own way to make several never ends where the kernel makes none, as in /proc.
    missing.reduce((parent, name) => {
      const path = join(parent, name);
      makeOne(path);
      return path;
    }, existing);
  });
  const tagFile = join(placeOfCache(directory), 'CACHEDIR.TAG');
  if (lstatIfAny(tagFile) === undefined) ifPossible(() => replaceByContent(tagFile, [tag], 0o644));
}

/** Makes a directory in one that is there, if it is not there yet. @throws the system's error */
function makeOne(path: string): void {
  try {
    mkdirSync(path, 0o755);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/**
 * Checks a cache directory, what is above it, and what holds entries in it. One that is missing or empty has no entries.
 * @returns where it is, with all symlinks resolved
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
    refuseForeign(place, resolve(directory));
    for (const { path, stat } of shardsIn(place)) {
      refuseIf(path, stat.kind === 'symlink' ? 'it is a symlink' : foreignWriterOf(stat));
    }
    return place;
  });
}

/** What of a path is there. @param directory the cache directory, for messages */
function split(path: string, directory = path): { readonly existing: string; readonly missing: readonly string[] } {
  const missing: string[] = [];
  let existing = resolve(path);
  while (existing !== '/' && !asUnusable(directory, 'read', () => exists(existing))) {
    missing.unshift(nameOf(existing));
    existing = parentOf(existing);
  }
  return { existing, missing };
}

function exists(path: string): boolean {
  return statIfAny(path) !== undefined;
}

/** @throws UnusableCache if somebody else decides what a path leads to */
function refuseForeign(directory: string, path: string): void {
  refuseIf(directory, foreignWriter(path));
}

/** @throws UnusableCache if there is a reason */
function refuseIf(path: string, reason: string | undefined): void {
  if (reason !== undefined) throw new UnusableCache(path, reason);
}

/** @throws UnusableCache for the errors of the system */
function asUnusable<T>(directory: string, what: 'read' | 'made', work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UnusableCache || errnoOf(error) === undefined) throw error;
    throw new UnusableCache(directory, `it cannot be ${what} (${errnoOf(error)})`);
  }
}
