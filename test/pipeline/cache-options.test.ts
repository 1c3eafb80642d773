import { describe, expect, it } from 'vitest';
import { readStoreRequest } from '../../src/pipeline/cache-options.ts';
import { readBuildOptions } from '../../src/pipeline/options.ts';

const flags = { buildroot: '/root' };
const optionsFor = (given: object, environment: Readonly<Record<string, string>> = {}) =>
  readBuildOptions([], { ...flags, ...given }, environment, 2);
const cacheOf = (given: object, environment: Readonly<Record<string, string>> = {}) =>
  optionsFor(given, environment).cache;

describe('the requested cache', () => {
  it('is undefined unless a directory is given', () => {
    expect(cacheOf({})).toBeUndefined();
    expect(cacheOf({ recache: true, cacheVerify: true }, { PYCLINK_CACHE_DIR: '' })).toBeUndefined();
    expect(cacheOf({ cache: false, cacheDir: '/c' }, { PYCLINK_CACHE_DIR: '/d' })).toBeUndefined();
  });

  it.each([
    [{ cacheVerify: true }, '--cache-verify'],
    [{ recache: true }, '--recache'],
  ])('is missing for %j', (given, option) => {
    expect(optionsFor(given).cacheProblem).toBe(
      `${option} has no effect without a cache: give --cache-dir, or set PYCLINK_CACHE_DIR`,
    );
    expect(optionsFor({ ...given, cache: false })).not.toHaveProperty('cacheProblem');
  });

  it('is not a directory whose name in the environment is not UTF-8', () => {
    const { cache, cacheProblem } = optionsFor({}, { PYCLINK_CACHE_DIR: '/caf\ufffd' });
    expect({ cache, cacheProblem }).toEqual({ cacheProblem: 'no cache is used: PYCLINK_CACHE_DIR: must be UTF-8' });
  });

  it('is taken from the command line or the environment', () => {
    const environment = {
      PYCLINK_CACHE_DIR: '/d',
      PYCLINK_CACHE_NAMESPACE: 'ci',
      PYCLINK_CACHE_SECRET_FILE: '/s',
      PYCLINK_CACHE_MAX_SIZE: '3G',
    };
    const given = { namespace: 'ci', secretFile: '/s', maxBytes: 3 * 2 ** 30, recache: false, verifyPercent: 0 };
    expect(cacheOf({}, environment)).toEqual({ directory: '/d', ...given });
    expect(cacheOf({ cacheDir: '/c' }, environment)).toEqual({ directory: '/c', ...given });
    expect(cacheOf({ cacheDir: '/c' })).toMatchObject({ namespace: '', secretFile: undefined, maxBytes: 2 ** 31 });
  });

  it.each([
    [undefined, 0],
    [true, 100],
    ['0', 0],
    ['7', 7],
    ['100', 100],
  ])('with --cache-verify %j verifies %d percent of the hits', (cacheVerify, percent) => {
    expect(cacheOf({ cacheDir: '/c', cacheVerify })?.verifyPercent).toBe(percent);
  });

  it.each([
    [{ cacheVerify: '/usr/lib' }, '--cache-verify: takes a number from 0 to 100, as in --cache-verify=10'],
    [{ cacheVerify: '101' }, '--cache-verify: takes a number from 0 to 100, as in --cache-verify=10'],
  ])('refuses %j', (given, message) => {
    expect(() => cacheOf(given)).toThrow(message);
  });

  it('is undefined if variables are invalid, and the build continues', () => {
    const environment = { PYCLINK_CACHE_MAX_SIZE: '2 GiB', PYCLINK_CACHE_REMOTE_WRITE: 'yes', PYCLINK_CACHE_DIR: '/c' };
    expect(optionsFor({}, environment)).not.toHaveProperty('cache');
    expect(optionsFor({ cacheDir: '/c' }, environment).cacheProblem).toBe(
      'no cache is used: PYCLINK_CACHE_MAX_SIZE: takes a size in bytes, or with K, M, G or T; ' +
        'PYCLINK_CACHE_REMOTE_WRITE: takes 0 or 1',
    );
    expect(optionsFor({ cache: false }, environment)).not.toHaveProperty('cacheProblem');
  });
});

describe('the shared server', () => {
  const remoteOf = (environment: Readonly<Record<string, string>>) => cacheOf({ cacheDir: '/c' }, environment)?.remote;

  it('is read-only by default', () => {
    expect(remoteOf({})).toBeUndefined();
    expect(remoteOf({ PYCLINK_CACHE_REMOTE: 'https://cache.example/py/' })).toEqual({
      ...{ url: 'https://cache.example/py', isWritable: false },
      ...{ tokenFile: undefined, loginFile: undefined, authoritiesFile: undefined },
    });
    const files = { TOKEN: '/t', LOGIN: '/l', CA: '/a' };
    const variables = Object.entries(files).map(([name, file]) => [`PYCLINK_CACHE_REMOTE_${name}_FILE`, file]);
    const environment = { PYCLINK_CACHE_REMOTE: 'redis://h:1', PYCLINK_CACHE_REMOTE_WRITE: '1' };
    expect(remoteOf({ ...environment, ...Object.fromEntries(variables) })).toEqual({
      ...{ url: 'redis://h:1', isWritable: true, tokenFile: '/t', loginFile: '/l', authoritiesFile: '/a' },
    });
  });

  it.each([
    ['HTTP://CACHE:80/Py/', 'http://cache/Py'],
    [' Https://h', 'https://h'],
    ['REDIS://h:1/3', 'redis://h:1/3'],
    ['redis://h/', 'redis://h'],
  ])('%s is %s', (given, url) => {
    expect(remoteOf({ PYCLINK_CACHE_REMOTE: given })).toMatchObject({ url });
  });

  it('is requested without a directory too, but not with --no-cache', () => {
    const environment = { PYCLINK_CACHE_REMOTE: 'http://h' };
    expect(cacheOf({}, environment)).toMatchObject({ directory: '', remote: { url: 'http://h' } });
    expect(cacheOf({ cache: false }, environment)).toBeUndefined();
  });

  it.each([
    ['ftp://h', 'takes the URL of a server: http, https, redis or rediss'],
    ['h', 'takes the URL of a server: http, https, redis or rediss'],
    ['http://me:secret@h', 'takes a URL without a login: use PYCLINK_CACHE_REMOTE_LOGIN_FILE'],
    ['http://h/?a=b', 'takes a URL that ends with a path'],
    ['redis://h/1/2', 'takes a redis URL without a path, or with the number of a database'],
    ['rediss://h/py', 'takes a redis URL without a path, or with the number of a database'],
  ])('%s is refused', (url, message) => {
    const { cacheProblem } = optionsFor({ cacheDir: '/c' }, { PYCLINK_CACHE_REMOTE: url });
    expect(cacheProblem).toBe(`no cache is used: PYCLINK_CACHE_REMOTE: ${message}`);
  });
});

it.each([
  ['5', 5],
  ['5K', 5 * 1024],
  ['5M', 5 * 1024 ** 2],
  ['1T', 1024 ** 4],
])('the store of pyclink cache may have %s: %d bytes', (text, maxBytes) => {
  expect(readStoreRequest('/c', { PYCLINK_CACHE_MAX_SIZE: text }).maxBytes).toBe(maxBytes);
});

it('pyclink cache ignores the variables for servers', () => {
  expect(readStoreRequest('/c', { PYCLINK_CACHE_REMOTE: 'ftp://h' })).toMatchObject({ directory: '/c' });
  expect(() => readStoreRequest('/c', { PYCLINK_CACHE_MAX_SIZE: 'x' })).toThrow('takes a size');
});

it('pyclink cache needs a directory', () => {
  expect(() => readStoreRequest(undefined, {})).toThrow('no cache directory given');
  expect(readStoreRequest(undefined, { PYCLINK_CACHE_DIR: '/d' }).directory).toBe('/d');
});
