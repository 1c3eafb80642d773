import type { Buildroot } from '../buildroot/path.ts';
import { isRunningSystem } from '../buildroot/running-system.ts';
import { checkCacheDirectory, makeCacheDirectory, placeOfCache } from '../cache/cache-directory.ts';
import { compilerDigest } from '../cache/compiler.ts';
import type { CacheCounts } from '../cache/counts.ts';
import type { CompilerDigest } from '../cache/key.ts';
import { LocalStore } from '../cache/local-store.ts';
import type { RemoteSettings } from '../cache/remote-store.ts';
import { readPrivateFile, readSecret } from '../cache/secret.ts';
import type { CacheSettings } from '../cache/settings.ts';
import { UnusableCache } from '../cache/unusable-cache.ts';
import type { WorkerPool } from '../compile/worker-pool.ts';
import { errnoOf } from '../errors.ts';
import { contains } from '../files/path.ts';
import { atMost, readRegular } from '../files/read-regular.ts';
import { codeLayoutOf } from '../pyc/releases.ts';
import type { CacheRequest, RemoteRequest } from './cache-options.ts';

/** Checks the requested cache. @returns its settings, or the reason why the build has to run without it */
export function openCache(request: CacheRequest, buildroot: Buildroot): CacheSettings | { readonly problem: string } {
  const { directory, namespace, secretFile, recache, verifyPercent, remote } = request;
  try {
    if (directory === '')
      throw new UnusableCache(remote?.url ?? '', 'a local cache directory is needed too: give --cache-dir');
    const secret = secretFile === undefined ? undefined : readSecret(secretFile);
    refuseIn(buildroot, placeOfCache(directory));
    makeCacheDirectory(directory);
    const place = checkCacheDirectory(directory);
    return { directory: place, namespace, secret, recache, verifyPercent, remote: remote && openRemote(remote) };
  } catch (error) {
    if (!(error instanceof UnusableCache)) throw error;
    return { problem: error.message };
  }
}

/** @throws UnusableCache */
function openRemote({ url, isWritable, tokenFile, loginFile, authoritiesFile }: RemoteRequest): RemoteSettings {
  return {
    url,
    isWritable,
    token: tokenFile === undefined ? undefined : readToken(tokenFile),
    login: loginFile === undefined ? undefined : readLogin(loginFile),
    authorities: authoritiesFile === undefined ? undefined : readCertificates(authoritiesFile),
  };
}

/** Node.js refuses other characters in a header. @see RFC 6750, section 2.1 @throws UnusableCache */
function readToken(path: string): string {
  const token = readPrivateFile(path, 'token').toString('latin1');
  if (!/^[!-~]+$/.test(token)) throw new UnusableCache(path, 'the token is not one word of ASCII');
  return token;
}

/** @throws UnusableCache */
function readLogin(path: string): RemoteSettings['login'] {
  const [, user = '', password = ''] = /^([^:]*):(.+)$/.exec(readPrivateFile(path, 'login').toString('utf8')) ?? [];
  if (password === '') throw new UnusableCache(path, 'the login is not USER:PASSWORD');
  return { user, password };
}

/** Much larger than all certificates of a system. */
const maxCertificatesBytes = 16 * 1024 ** 2;

/** @throws UnusableCache */
function readCertificates(path: string): string {
  try {
    const text = readRegular(path, atMost(maxCertificatesBytes))?.content.toString('latin1') ?? '';
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  } catch (error) {
    throw new UnusableCache(path, `the certificates cannot be read (${errnoOf(error)})`);
  }
  throw new UnusableCache(path, 'it contains no PEM certificates');
}

/** A cache in the buildroot would be packaged. @throws UnusableCache */
function refuseIn(buildroot: Buildroot, directory: string): void {
  if (isRunningSystem(buildroot)) return;
  if (contains(buildroot.path, directory)) throw new UnusableCache(directory, 'it is inside the buildroot');
}

/** The digest of a pool's compiler; undefined if its pycs cannot be cached. */
export function compilerForCache(
  { interpreter, compiler }: WorkerPool,
  { buildroot, normalize }: { readonly buildroot: Buildroot; readonly normalize: boolean },
): CompilerDigest | undefined {
  const hasNormalForm = normalize && codeLayoutOf(interpreter.magicNumber) !== undefined;
  // An interpreter in a chroot reports paths in the chroot.
  if (!hasNormalForm || interpreter.root !== undefined) return undefined;
  const digest = compilerDigest(interpreter, compiler);
  // Compute it now, because the build may replace pycs that the interpreter itself loads.
  if (isRunningSystem(buildroot)) digest();
  return digest;
}

/** The store is trimmed after builds added this share of its maximum size, because a trim examines every entry. */
const trimAt = 0.1;

/**
 * Records in the store what a build did, and trims it if necessary.
 * @returns messages about the cache for the log
 */
export function closeCache({ directory, remote }: CacheSettings, counts: CacheCounts, maxBytes: number): string[] {
  const { local, remote: fromServer, compiled, verified, storedBytes, corrupt, foreign, notStored, problem } = counts;
  let refused: string | undefined;
  const store = new LocalStore(directory, (_, error) => {
    refused ??= errnoOf(error);
  });
  store.tally.add({ hits: local + fromServer + verified, misses: compiled - verified, storedBytes });
  const problems = corrupt === 0 ? [] : [`${corrupt} corrupt, removed`];
  if (foreign > 0) problems.push(`${foreign} not used: other users could have written them`);
  if (notStored > 0) problems.push(`${notStored} not stored (${problem})`);
  try {
    if (store.tally.read().storedBytes > trimAt * maxBytes) store.trim(maxBytes);
  } catch (error) {
    refused = errnoOf(error);
  }
  if (refused !== undefined) problems.push(`not trimmed (${refused})`);
  const texts = problems.map((text) => `cache ${directory}: ${text}`);
  return remote === undefined ? texts : [...texts, ...remoteProblems(remote, counts)];
}

function remoteProblems({ url }: RemoteSettings, { remoteCorrupt, remoteProblem }: CacheCounts): string[] {
  const problems = remoteCorrupt === 0 ? [] : [`${remoteCorrupt} corrupt`];
  if (remoteProblem !== undefined) problems.push(`disabled for this build: ${remoteProblem}`);
  return problems.map((text) => `cache ${url}: ${text}`);
}
