import { describe, expect, it } from 'vitest';
import { manifestSchema } from '../../src/manifest/schema.ts';
import { schemaVersion } from '../../src/manifest/schema-version.ts';

const record = {
  source: '/usr/lib/a.py',
  paths: ['/usr/lib/__pycache__/a.cpython-311.opt-1.pyc', '/usr/lib/__pycache__/a.cpython-311.pyc'],
  sizeBytes: 100,
  sha256: '0'.repeat(64),
  mode: '0644',
  invalidationMode: 'timestamp',
};

const manifest = {
  schemaVersion: 1,
  pyclink: '0.1.0',
  interpreters: [{ implementation: 'cpython', version: '3.11.2', cacheTag: 'cpython-311', magicNumber: 3495 }],
  optimizationLevels: [0, 1],
  invalidationModes: ['timestamp'],
  linkGroups: [record],
  singlePycs: [],
  skipped: [{ path: '/usr/lib/\\xff.py', reason: 'name-not-utf8', message: 'said' }],
  totals: { pycs: 2, linkGroups: 1, links: 1, sizeBytesWithoutLinks: 200, sizeBytes: 100 },
};

const notOneGroup = 'the paths must be pycs of that source, with one cache tag, in one directory; or one next to it';
const notPlain = 'must be a plain path, without "..", "//" or a trailing slash';

/** What is wrong with a manifest, as `place: message`. */
function issues(data: unknown): string[] {
  const { error } = manifestSchema.safeParse(data);
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
}

const withRecord = (change: object) => ({ ...manifest, linkGroups: [{ ...record, ...change }] });

describe('manifestSchema', () => {
  it('reads a manifest as it is', () => {
    expect(manifestSchema.parse(manifest)).toEqual(manifest);
    expect(schemaVersion).toBe(1);
  });

  it('accepts a pyc next to its source with a cache tag', () => {
    const beside = { ...record, paths: ['/usr/lib/a.pyc'], cacheTag: 'cpython-311', optimizationLevel: 2 };
    expect(issues(withRecord(beside))).toEqual([]);
    const { cacheTag, ...nobodys } = beside;
    expect(issues({ ...manifest, linkGroups: [nobodys] })).toEqual([`linkGroups.0.paths: ${notOneGroup}`]);
    expect(issues(withRecord({ cacheTag: 'cpython-311' }))).toEqual([`linkGroups.0.paths: ${notOneGroup}`]);
    const two = { ...beside, paths: ['/usr/lib/a.opt-1.pyc', '/usr/lib/a.pyc'] };
    expect(issues(withRecord(two))).toEqual([`linkGroups.0.paths: ${notOneGroup}`]);
  });

  it.each([
    ['a newline', '/usr\n/a.py', '/usr\n/__pycache__/a.cpython-311.pyc'],
    ['dots', '/usr/..a/b.c.py', '/usr/..a/__pycache__/b.c.cpython-311.pyc'],
    ['no directory', '/a.py', '/__pycache__/a.cpython-311.pyc'],
  ])('accepts paths with %s', (_name, source, path) => {
    expect(issues(withRecord({ source, paths: [path] }))).toEqual([]);
  });

  it.each<[string, object, string[]]>([
    [
      'no paths',
      { paths: [] },
      ['linkGroups.0.paths: Too small: expected array to have >=1 items', `linkGroups.0.paths: ${notOneGroup}`],
    ],
    [
      'a relative source',
      { source: 'usr/lib/a.py' },
      [
        'linkGroups.0.source: must be an absolute path',
        `linkGroups.0.source: ${notPlain}`,
        `linkGroups.0.paths: ${notOneGroup}`,
      ],
    ],
    [
      'a NUL in the source',
      { source: '/usr/\0/a.py' },
      ['linkGroups.0.source: must be an absolute path', `linkGroups.0.paths: ${notOneGroup}`],
    ],
    [
      'a path that climbs',
      { paths: ['/usr/../__pycache__/a.cpython-311.pyc'] },
      [`linkGroups.0.paths.0: ${notPlain}`, `linkGroups.0.paths: ${notOneGroup}`],
    ],
    [
      'a path with two slashes',
      { source: '/usr//lib/a.py' },
      [`linkGroups.0.source: ${notPlain}`, `linkGroups.0.paths: ${notOneGroup}`],
    ],
    ['pycs of another source', { source: '/usr/lib/b.py' }, [`linkGroups.0.paths: ${notOneGroup}`]],
    ['a path that is no pyc', { paths: ['/etc/passwd'] }, [`linkGroups.0.paths: ${notOneGroup}`]],
    ['a pyc beside its source', { paths: ['/usr/lib/a.pyc'] }, [`linkGroups.0.paths: ${notOneGroup}`]],
    [
      'pycs of two interpreters',
      { paths: [record.paths[0], '/usr/lib/__pycache__/a.cpython-310.pyc'] },
      [`linkGroups.0.paths: ${notOneGroup}`],
    ],
    [
      'pycs of two directories',
      { paths: [record.paths[0], '/usr/lib64/__pycache__/a.cpython-311.pyc'] },
      [`linkGroups.0.paths: ${notOneGroup}`],
    ],
    [
      'a mode that is no octal number',
      { mode: '0888' },
      ['linkGroups.0.mode: Invalid string: must match pattern /^[0-7]{4}$/'],
    ],
    ['a size below zero', { sizeBytes: -1 }, ['linkGroups.0.sizeBytes: Too small: expected number to be >=0']],
  ])('refuses a record with %s', (_name, change, expected) => {
    expect(issues(withRecord(change))).toEqual(expected);
  });

  it.each<[string, object, string[]]>([
    ['of another version', { schemaVersion: 2 }, ['schemaVersion: Invalid input: expected 1']],
    [
      'with a level that does not exist',
      { optimizationLevels: [3] },
      ['optimizationLevels.0: Invalid option: expected one of 0|1|2'],
    ],
    [
      'with two things wrong',
      { pyclink: 1, skipped: [{ path: 1, reason: 'excluded' }] },
      [
        'pyclink: Invalid input: expected string, received number',
        'skipped.0.path: Invalid input: expected string, received number',
      ],
    ],
  ])('refuses a manifest %s', (_name, change, expected) => {
    expect(issues({ ...manifest, ...change })).toEqual(expected);
  });

  it('reads and keeps the fields and reasons of later versions, in every object', () => {
    const later = (what: object) => ({ ...what, later: ['x', { y: 1 }] });
    const written = later({
      ...manifest,
      interpreters: manifest.interpreters.map(later),
      linkGroups: [later(record)],
      skipped: [later({ path: '/a.py', reason: 'bored' })],
      totals: later(manifest.totals),
    });
    expect(manifestSchema.parse(written)).toEqual(written);
  });
});
