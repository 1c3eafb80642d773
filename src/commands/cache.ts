import { join } from 'node:path';
import { checkCacheDirectory } from '../cache/cache-directory.ts';
import { checkEntry, type EntryState } from '../cache/entry.ts';
import { LocalStore } from '../cache/local-store.ts';
import { readSecret } from '../cache/secret.ts';
import { UnusableCache } from '../cache/unusable-cache.ts';
import { errnoOf, exitStatus, PyclinkError } from '../errors.ts';
import { foreignWriterOf } from '../files/foreign-writer.ts';
import { isGone } from '../files/stat.ts';
import type { Log } from '../log.ts';
import type { StoreRequest } from '../pipeline/cache-options.ts';
import { counted, sizeText } from '../text.ts';
import type { CommandResult } from './result.ts';

/**
 * The actions of `pyclink cache`: show the size and the hit rate, evict the least recently used entries, remove
 * everything, or read every entry.
 */
export type CacheAction = 'stats' | 'trim' | 'clear' | 'check';

/** `pyclink cache`. A missing or empty cache has no entries, and is not created. @throws PyclinkError */
export function cacheCommand(action: CacheAction, request: StoreRequest, log: Log): CommandResult {
  const { secretFile, maxBytes } = request;
  try {
    const directory = checkCacheDirectory(request.directory);
    if (isGone(join(directory, 'v1'))) log.warn({ path: directory }, 'there is no cache');
    let isComplete = true;
    const refuse = (path: string, error: unknown) => {
      isComplete = false;
      log.error({ path }, `cannot be read or changed (${errnoOf(error)})`);
    };
    const store = new LocalStore(directory, refuse);
    const done = () => {
      switch (action) {
        case 'stats':
          return stats(store, directory, maxBytes);
        case 'trim': {
          const { removed, bytes } = store.trim(maxBytes);
          return result({ directory, removed, bytes }, [`${entries(removed)} removed, ${sizeText(bytes)} left`]);
        }
        case 'clear': {
          const removed = store.clear();
          return result({ directory, removed }, [`${entries(removed)} removed`]);
        }
        case 'check':
          return check(store, directory, secretFile === undefined ? undefined : readSecret(secretFile), refuse, log);
      }
    };
    const { status, ...rest } = done();
    return { ...rest, status: isComplete ? status : exitStatus.problems };
  } catch (error) {
    if (error instanceof UnusableCache) throw new PyclinkError('usage', error.reason, { path: error.path });
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    const { path = request.directory } = error as NodeJS.ErrnoException;
    throw new PyclinkError('file-failed', `the cache cannot be read or changed (${errno})`, { path, cause: error });
  }
}

function stats(store: LocalStore, directory: string, maxBytes: number): CommandResult {
  const all = [...store.entries()];
  const bytes = all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const { hits, misses } = store.tally.read();
  const share = hits + misses === 0 ? '' : ` (${((100 * hits) / (hits + misses)).toFixed(0)} %)`;
  return result({ directory, entries: all.length, bytes, maxBytes, hits, misses }, [
    `cache ${directory}`,
    `${entries(all.length)}, ${sizeText(bytes)} of ${sizeText(maxBytes)}`,
    `${counted(hits, 'hit')} of ${counted(hits + misses, 'source')}${share}`,
  ]);
}

/** The text for entries that were not checked, and are not problems. */
const unchecked = {
  signed: 'signed, not checked: $PYCLINK_CACHE_SECRET_FILE names no secret',
  signedByOther: 'signed with another secret, not checked',
  ofOtherVersion: 'of another version of pyclink, not checked',
} as const;

function check(
  store: LocalStore,
  directory: string,
  secret: Buffer | undefined,
  refuse: (path: string, error: unknown) => void,
  log: Log,
): CommandResult {
  const counts = { whole: 0, damaged: 0, foreign: 0, signed: 0, signedByOther: 0, ofOtherVersion: 0 };
  for (const { key } of store.entries()) {
    const path = store.pathOf(key);
    const state = stateOf(store, key, secret, (error) => refuse(path, error));
    if (state === undefined) continue;
    counts[state] += 1;
    if (state === 'damaged') log.error({ path }, 'corrupt: the next build that reads it removes it');
    if (state === 'foreign') log.error({ path }, 'other users could have written it: builds do not use it');
  }
  const lines = [`${entries(counts.whole)} valid, ${counts.damaged} corrupt`];
  if (counts.foreign > 0) lines.push(`${entries(counts.foreign)} not used: other users could have written them`);
  for (const [state, text] of Object.entries(unchecked) as [keyof typeof unchecked, string][]) {
    if (counts[state] > 0) lines.push(`${entries(counts[state])} ${text}`);
  }
  const status = counts.damaged + counts.foreign > 0 ? exitStatus.problems : exitStatus.done;
  return { ...result({ directory, ...counts }, lines), status };
}

/** The state of an entry; undefined if it is missing, or the system refuses it. */
function stateOf(
  store: LocalStore,
  key: string,
  secret: Buffer | undefined,
  onRefusal: (error: unknown) => void,
): EntryState | 'foreign' | undefined {
  try {
    const file = store.get(key);
    if (file === undefined) return undefined;
    return foreignWriterOf(file.stat) === undefined ? checkEntry(key, file.content, secret) : 'foreign';
  } catch (error) {
    if (errnoOf(error) === 'EFBIG') return 'damaged';
    if (errnoOf(error) === undefined) throw error;
    onRefusal(error);
    return undefined;
  }
}

function entries(count: number): string {
  return `${count} ${count === 1 ? 'entry' : 'entries'}`;
}

function result(data: object, lines: readonly string[]): CommandResult {
  return { status: exitStatus.done, text: lines.map((line) => `pyclink: ${line}\n`).join(''), data };
}
