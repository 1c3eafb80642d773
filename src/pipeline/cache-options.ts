import type { RemoteSettings } from '../cache/remote-store.ts';
import type { CacheSettings } from '../cache/settings.ts';
import type { Environment } from '../compile/environment.ts';
import { PyclinkError } from '../errors.ts';
import {
  anyText,
  flag,
  InvalidValue,
  once,
  option,
  readValues,
  sizeInBytes,
  text,
  type ValuesOf,
  variable,
} from './option-values.ts';

const upTo100 = text(
  'takes a number from 0 to 100, as in --cache-verify=10',
  (given) => /^\d{1,3}$/.test(given) && Number(given) <= 100,
);
const percent = (given: string) => Number(upTo100(given));

/** The URL of a server, in lower case up to the path. @throws InvalidValue */
function server(given: string): string {
  if (given === '') return given;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !['http:', 'https:', 'redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    throw new InvalidValue('takes the URL of a server: http, https, redis or rediss');
  }
  // The URL appears in logs, and every process of the build could read it.
  if (url.username !== '' || url.password !== '') {
    throw new InvalidValue('takes a URL without a login: use PYCLINK_CACHE_REMOTE_LOGIN_FILE');
  }
  if (url.search !== '' || url.hash !== '') throw new InvalidValue('takes a URL that ends with a path');
  if (url.protocol.startsWith('redis') && !/^\/?\d*$/.test(url.pathname)) {
    throw new InvalidValue('takes a redis URL without a path, or with the number of a database');
  }
  return url.href.replace(/\/+$/, '');
}

/** @throws InvalidValue */
function yesOrNo(given: string): boolean {
  if (!['', '0', '1'].includes(given)) throw new InvalidValue('takes 0 or 1');
  return given === '1';
}

/** The default maximum size of a local store. */
const defaultMaxBytes = 2 * 1024 ** 3;

/** The options of `build` for the cache, in the order of help. */
export const cacheOptions = {
  cacheDir: option(
    '--cache-dir <dir>',
    'take bytecode from a cache, and store it there (default: $PYCLINK_CACHE_DIR; see docs/cache.md)',
    once(anyText),
  ),
  cache: option('--no-cache', 'use no cache', flag(true)),
  recache: option('--recache', 'compile everything, and store it in the cache', flag(false)),
  cacheVerify: option(
    '--cache-verify [percent]',
    'compile that percentage of the hits again, and stop at a difference (default: 0; without a number: 100)',
    once(percent, 0, 100),
  ),
};

/** The variables of a local store. Empty means unset. */
const storeVariables = {
  PYCLINK_CACHE_DIR: variable('the bytecode cache, unless --cache-dir is given', once(anyText, '')),
  PYCLINK_CACHE_MAX_SIZE: variable(
    'its maximum size: bytes, or with K, M, G or T (default: 2G)',
    once((given) => (given === '' ? defaultMaxBytes : sizeInBytes(given)), defaultMaxBytes),
  ),
  PYCLINK_CACHE_SECRET_FILE: variable('a file with the secret that signs entries', once(anyText, '')),
};

/** The variables of a build's cache. Empty means unset. */
export const cacheVariables = {
  ...storeVariables,
  PYCLINK_CACHE_NAMESPACE: variable('only builds with the same namespace share entries', once(anyText, '')),
  PYCLINK_CACHE_REMOTE: variable('the URL of a shared cache server (http, https, redis, rediss)', once(server, '')),
  PYCLINK_CACHE_REMOTE_WRITE: variable('1: send compiled bytecode to the server', once(yesOrNo, false)),
  PYCLINK_CACHE_REMOTE_TOKEN_FILE: variable('a file with the bearer token for the server', once(anyText, '')),
  PYCLINK_CACHE_REMOTE_LOGIN_FILE: variable('a file with USER:PASSWORD for the server', once(anyText, '')),
  PYCLINK_CACHE_REMOTE_CA_FILE: variable(
    'a PEM file of certificates to trust instead of those of the system',
    once(anyText, ''),
  ),
};

/** The local store that the user asks for. */
export interface StoreRequest {
  /** Empty if none is given. */
  readonly directory: string;
  readonly secretFile: string | undefined;
  /** Its maximum size in bytes. */
  readonly maxBytes: number;
}

/** The shared server that the user asks for. */
export interface RemoteRequest extends Pick<RemoteSettings, 'url' | 'isWritable'> {
  readonly tokenFile: string | undefined;
  readonly loginFile: string | undefined;
  readonly authoritiesFile: string | undefined;
}

/** The cache that the user asks for. */
export interface CacheRequest extends StoreRequest, Pick<CacheSettings, 'namespace' | 'recache' | 'verifyPercent'> {
  readonly remote: RemoteRequest | undefined;
}

type Variables = ValuesOf<typeof cacheVariables>;

/** The requested cache, if any, or the reason why it cannot be used: the build then runs without a cache. */
export function cacheRequest(
  flags: ValuesOf<typeof cacheOptions>,
  environment: Environment,
): { readonly cache?: CacheRequest; readonly cacheProblem?: string } {
  if (!flags.cache) return {};
  const problems: string[] = [];
  const env = readValues(cacheVariables, environment, (name) => name, problems);
  if (problems.length > 0) return { cacheProblem: `no cache is used: ${problems.join('; ')}` };
  const store = storeRequest(flags.cacheDir, env);
  const { recache, cacheVerify: verifyPercent } = flags;
  if (store.directory === '' && env.PYCLINK_CACHE_REMOTE === '') {
    const asked = recache ? '--recache' : '--cache-verify';
    if (!recache && verifyPercent === 0) return {};
    return { cacheProblem: `${asked} has no effect without a cache: give --cache-dir, or set PYCLINK_CACHE_DIR` };
  }
  const namespace = env.PYCLINK_CACHE_NAMESPACE;
  return { cache: { ...store, namespace, recache, verifyPercent, remote: remoteRequest(env) } };
}

function remoteRequest(env: Variables): RemoteRequest | undefined {
  if (env.PYCLINK_CACHE_REMOTE === '') return undefined;
  return {
    url: env.PYCLINK_CACHE_REMOTE,
    isWritable: env.PYCLINK_CACHE_REMOTE_WRITE,
    tokenFile: env.PYCLINK_CACHE_REMOTE_TOKEN_FILE || undefined,
    loginFile: env.PYCLINK_CACHE_REMOTE_LOGIN_FILE || undefined,
    authoritiesFile: env.PYCLINK_CACHE_REMOTE_CA_FILE || undefined,
  };
}

/**
 * The store for `pyclink cache`.
 * @param directory from the command line
 * @throws PyclinkError `usage`
 */
export function readStoreRequest(directory: string | undefined, environment: Environment): StoreRequest {
  const problems: string[] = [];
  const env = readValues(storeVariables, environment, (name) => name, problems);
  if (problems.length > 0) throw new PyclinkError('usage', problems.join('; '));
  const request = storeRequest(directory, env);
  if (request.directory !== '') return request;
  throw new PyclinkError('usage', 'no cache directory given', { hint: 'give --cache-dir, or set PYCLINK_CACHE_DIR' });
}

function storeRequest(given: string | undefined, env: ValuesOf<typeof storeVariables>): StoreRequest {
  const directory = given ?? env.PYCLINK_CACHE_DIR;
  return { directory, secretFile: env.PYCLINK_CACHE_SECRET_FILE || undefined, maxBytes: env.PYCLINK_CACHE_MAX_SIZE };
}
