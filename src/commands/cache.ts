import type { StoreRequest } from '../build/cache-options.ts';
import { checkCacheDirectory } from '../cache/cache-directory.ts';
import { checkEntry } from '../cache/entry.ts';
import { LocalStore } from '../cache/local-store.ts';
import { readSecret } from '../cache/secret.ts';
import { UnusableCache } from '../cache/unusable-cache.ts';
import { exitStatus, PyclinkError } from '../errors.ts';
import type { Log } from '../log.ts';
import { counted, sizeText } from '../text.ts';
import type { CommandResult } from './result.ts';

/**
 * What `pyclink cache` does: tell how large the store is, and how often it had what builds asked for; remove what was
 * not used for longest; remove everything; or read every entry.
 */
export type CacheAction = 'stats' | 'trim' | 'clear' | 'check';

/** `pyclink cache`. @throws PyclinkError */
export function cacheCommand(action: CacheAction, request: StoreRequest, log: Log): CommandResult {
  const { directory, secret } = opened(request);
  const store = new LocalStore(directory);
  switch (action) {
    case 'stats':
      return stats(store, directory, request.maxBytes);
    case 'trim': {
      const { removed, bytes } = store.trim(request.maxBytes);
      return result({ directory, removed, bytes }, [`${entries(removed)} removed, ${sizeText(bytes)} left`]);
    }
    case 'clear': {
      const removed = store.clear();
      return result({ directory, removed }, [`${entries(removed)} removed`]);
    }
    case 'check':
      return check(store, directory, secret, log);
  }
}

/** @throws PyclinkError */
function opened({ directory, secretFile }: StoreRequest) {
  try {
    const secret = secretFile === undefined ? undefined : readSecret(secretFile);
    return { directory: checkCacheDirectory(directory), secret };
  } catch (error) {
    if (!(error instanceof UnusableCache)) throw error;
    throw new PyclinkError('usage', error.reason, { path: error.path });
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

function check(store: LocalStore, directory: string, secret: Buffer | undefined, log: Log): CommandResult {
  const counts = { whole: 0, damaged: 0, signed: 0 };
  for (const { key } of store.entries()) {
    const bytes = store.get(key);
    if (bytes === undefined) continue;
    const state = checkEntry(key, bytes, secret);
    counts[state] += 1;
    if (state === 'damaged') log.error({ path: store.pathOf(key) }, 'damaged: a build that meets it removes it');
  }
  const lines = [`${entries(counts.whole)} whole, ${counts.damaged} damaged`];
  if (counts.signed > 0) {
    lines.push(`${entries(counts.signed)} signed, not checked: $PYCLINK_CACHE_SECRET_FILE names no secret`);
  }
  const status = counts.damaged > 0 ? exitStatus.problems : exitStatus.done;
  return { ...result({ directory, ...counts }, lines), status };
}

function entries(count: number): string {
  return `${count} ${count === 1 ? 'entry' : 'entries'}`;
}

function result(data: object, lines: readonly string[]): CommandResult {
  return { status: exitStatus.done, text: lines.map((line) => `pyclink: ${line}\n`).join(''), data };
}
