import { resolve } from 'node:path';
import type { Buildroot } from '../buildroot/path.ts';
import { compilerDigest } from '../cache/compiler.ts';
import type { CacheCounts } from '../cache/counts.ts';
import { checkCacheDirectory, LocalStore, makeCacheDirectory } from '../cache/local-store.ts';
import { readSecret } from '../cache/secret.ts';
import type { CacheSettings } from '../cache/source-cache.ts';
import { UnusableCache } from '../cache/unusable-cache.ts';
import type { WorkerPool } from '../compile/worker-pool.ts';
import { errnoOf } from '../errors.ts';
import { contains } from '../files/path.ts';
import { codeLayoutOf } from '../pyc/releases.ts';
import type { CacheRequest } from './cache-options.ts';

/** Checks the cache that is asked for. @returns its settings, or why it cannot be used: a build goes on without it */
export function openCache(request: CacheRequest, buildroot: Buildroot): CacheSettings | { readonly problem: string } {
  const { directory, namespace, secretFile, recache, verifyPercent } = request;
  try {
    const secret = secretFile === undefined ? undefined : readSecret(secretFile);
    refuseIn(buildroot, resolve(directory));
    makeCacheDirectory(directory);
    const place = checkCacheDirectory(directory);
    refuseIn(buildroot, place);
    return { directory: place, namespace, secret, recache, verifyPercent };
  } catch (error) {
    if (!(error instanceof UnusableCache)) throw error;
    return { problem: error.message };
  }
}

/** A cache in the buildroot would be packaged. @throws UnusableCache */
function refuseIn(buildroot: Buildroot, directory: string): void {
  if (contains(buildroot.path, directory)) throw new UnusableCache(directory, 'it lies in the buildroot');
}

/** What the key of an entry says about the compiler; undefined: its pycs are not for a cache. */
export function compilerForCache({ interpreter, compiler }: WorkerPool, normalize: boolean): string | undefined {
  const hasNormalForm = normalize && codeLayoutOf(interpreter.magicNumber) !== undefined;
  return hasNormalForm && compiler !== undefined ? compilerDigest(interpreter, compiler) : undefined;
}

/** How much may be stored before the store is made smaller: a twentieth of its size. */
const trimAt = 0.05;

/**
 * Tells the store what a build did with it, and makes it smaller if it is due.
 * @returns what the build has to say about its cache
 */
export function closeCache({ directory }: CacheSettings, counts: CacheCounts, maxBytes: number): string[] {
  const { local, compiled, verified, storedBytes, corrupt, notStored, problem } = counts;
  const store = new LocalStore(directory);
  store.tell({ hits: local + verified, misses: compiled - verified, storedBytes });
  const problems = corrupt === 0 ? [] : [`${corrupt} damaged, and removed`];
  if (notStored > 0) problems.push(`${notStored} not stored (${problem})`);
  try {
    if (store.tally().storedBytes > trimAt * maxBytes) store.trim(maxBytes);
  } catch (error) {
    problems.push(`not trimmed (${errnoOf(error)})`);
  }
  return problems.map((text) => `cache ${directory}: ${text}`);
}
