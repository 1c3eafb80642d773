import type { Environment } from '../compile/environment.ts';
import { PyclinkError } from '../errors.ts';
import { flag, once, onceWithDefault, option, readAll, text, type ValuesOf } from './option-values.ts';

const directory = text('takes a directory', () => true);
const anything = text('takes text', () => true);
const upTo100 = text(
  'takes a number from 0 to 100, as in --cache-verify=10',
  (given) => /^\d{1,3}$/.test(given) && Number(given) <= 100,
);
const percent = (given: string) => Number(upTo100(given));
const aSize = text('takes a size in bytes, or with K, M, G or T', (given) => /^\d{1,12}[KMGT]?$/.test(given));

/** A size in bytes. @throws Misfit */
function size(given: string): number {
  const [, digits = '', unit = ''] = /^(\d+)(.?)$/.exec(aSize(given)) ?? [];
  return Number(digits) * 1024 ** ['', 'K', 'M', 'G', 'T'].indexOf(unit);
}

/** How large a local store may get. */
const defaultMaxBytes = 2 * 1024 ** 3;

/** The options of `build` for the cache, in the order of help. */
export const cacheOptions = {
  cacheDir: option(
    '--cache-dir <dir>',
    'take bytecode from a cache, and store it there (default: $PYCLINK_CACHE_DIR; see docs/cache.md)',
    once(directory),
  ),
  cache: option('--no-cache', 'use no cache', flag(true)),
  recache: option('--recache', 'compile everything, and store it in the cache', flag(false)),
  cacheVerify: option(
    '--cache-verify [percent]',
    'compile that share of the hits all the same, and stop at a difference (default: 0; without a number: 100)',
    onceWithDefault(percent, 0, 100),
  ),
};

/** The variables of the cache. Empty means unset. */
export const cacheVariables = {
  PYCLINK_CACHE_DIR: once(directory, ''),
  PYCLINK_CACHE_MAX_SIZE: once((given) => (given === '' ? defaultMaxBytes : size(given)), defaultMaxBytes),
  PYCLINK_CACHE_NAMESPACE: once(anything, ''),
  PYCLINK_CACHE_SECRET_FILE: once(anything, ''),
};

/** A local store, as the user names it. */
export interface StoreRequest {
  readonly directory: string;
  readonly secretFile: string | undefined;
  /** How large it may get, in bytes. */
  readonly maxBytes: number;
}

/** The cache that a build is asked to use. */
export interface CacheRequest extends StoreRequest {
  /** Separates those who share a store. */
  readonly namespace: string;
  /** Compile everything, and store it anew. */
  readonly recache: boolean;
  /** How many in a hundred hits are compiled all the same, and compared. */
  readonly verifyPercent: number;
}

type Variables = ValuesOf<typeof cacheVariables>;

/** The cache that is asked for, if any. */
export function cacheRequest(
  flags: ValuesOf<{ [K in keyof typeof cacheOptions]: (typeof cacheOptions)[K]['read'] }>,
  env: Variables,
): CacheRequest | undefined {
  const store = flags.cache ? storeRequest(flags.cacheDir, env) : undefined;
  if (store === undefined) return undefined;
  const { recache, cacheVerify: verifyPercent } = flags;
  return { ...store, namespace: env.PYCLINK_CACHE_NAMESPACE, recache, verifyPercent };
}

/**
 * The store that `pyclink cache` is about.
 * @param directory what the command line says
 * @throws PyclinkError `usage`
 */
export function readStoreRequest(directory: string | undefined, environment: Environment): StoreRequest {
  const problems: string[] = [];
  const env = readAll(cacheVariables, environment, (name) => name, problems);
  if (problems.length > 0) throw new PyclinkError('usage', problems.join('; '));
  const request = storeRequest(directory, env);
  if (request !== undefined) return request;
  throw new PyclinkError('usage', 'no cache is named', { hint: 'give --cache-dir, or set PYCLINK_CACHE_DIR' });
}

function storeRequest(given: string | undefined, env: Variables): StoreRequest | undefined {
  const directory = given ?? env.PYCLINK_CACHE_DIR;
  if (directory === '') return undefined;
  return { directory, secretFile: env.PYCLINK_CACHE_SECRET_FILE || undefined, maxBytes: env.PYCLINK_CACHE_MAX_SIZE };
}
