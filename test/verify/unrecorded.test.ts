import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import type { PycRecord } from '../../src/manifest/schema.ts';
import type { PycHeader } from '../../src/pyc/header.ts';
import { everything } from '../../src/verify/scope.ts';
import { findUnrecorded } from '../../src/verify/unrecorded.ts';
import { type DescribedEntry, describedPayload, entryAt } from '../helpers/payload.ts';

const site = '/usr/lib/python3.11/site-packages';
const app = '/usr/share/app';

const record = (directory: string): PycRecord => ({
  source: `${directory}/a.py` as PayloadPath,
  paths: [`${directory}/__pycache__/a.cpython-311.pyc` as PayloadPath],
  sizeBytes: 100,
  sha256: 'right',
  mode: '0644',
  invalidationMode: 'timestamp',
});
const records = [record(site), record(app)];

const recorded = records.flatMap(({ source, paths }) => [source, ...paths]);

/** What is found of these files beside those of the manifest: kind and path, and what exactly. */
function found(paths: readonly (string | DescribedEntry)[], isAllowed: (path: string) => boolean = () => false) {
  const entries = [...recorded, ...paths].map((path) => (typeof path === 'string' ? entryAt(path) : path));
  const { payload, facts } = describedPayload(entries.map((entry) => ({ pyc: { unread: 'not looked at' }, ...entry })));
  const { findings } = findUnrecorded(records, ['cpython-311'], payload, facts, everything, isAllowed);
  return findings.map(({ kind, path, detail }) => ({ kind, path, detail }));
}

const timestamp = {
  magicNumber: 3495,
  invalidationMode: 'timestamp',
  sourceMtimeSeconds: 9,
  sourceSizeBytes: 6,
} as const;
const hashed = (invalidationMode: 'checked-hash' | 'unchecked-hash'): PycHeader => ({
  magicNumber: 3495,
  invalidationMode,
  sourceHash: 'old',
});
const hashes = (magicNumber: number) => ({ sha256: 'source', hashes: new Map([[magicNumber, 'new']]) });

const notMade = 'not in the manifest: this build did not make it';

describe('findUnrecorded', () => {
  it.each<[string, (string | DescribedEntry)[]]>([
    ['what the manifest names', []],
    ['a pyc beside its source, which Python does not load', [`${app}/b.py`, `${app}/b.pyc`]],
    ['a .pyo, which Python 3 does not load', [`${app}/b.pyo`]],
    ['a .pyo in a __pycache__, which only Python 3.4 loads', [`${app}/__pycache__/a.cpython-311.pyo`]],
    ['what is recorded, but not stored', [entryAt(`${site}/__pycache__/a.cpython-311.opt-2.pyc`, { isGhost: true })]],
    ['the bytecode of Python 2', ['/usr/lib/python2.7/b.py', '/usr/lib/python2.7/b.pyc', '/usr/lib/python2.7/c.pyc']],
    ['a hard link to nothing', [entryAt(`${app}/b.pyc`, { pyc: undefined })]],
    ['a directory with the name of a pyc', [entryAt(`${app}/b.pyc`, { type: 'directory' })]],
  ])('finds nothing wrong with %s', (_, paths) => {
    expect(found(paths)).toEqual([]);
  });

  it.each<[string, string, string, (string | DescribedEntry)[]]>([
    ['another level', `${site}/__pycache__/a.cpython-311.opt-2.pyc`, notMade, []],
    ['another module', `${app}/__pycache__/b.cpython-311.pyc`, notMade, [`${app}/b.py`]],
    ['a private tree for another interpreter', '/opt/__pycache__/b.cpython-39.pyc', notMade, ['/opt/b.py']],
    [
      'what another interpreter of the system reads',
      '/usr/lib/pypy3.9/__pycache__/b.pypy39.pyc',
      notMade,
      ['/usr/lib/pypy3.9/b.py'],
    ],
    [
      'what another interpreter made of a source of the manifest',
      `${app}/__pycache__/a.pypy39.pyc`,
      'for pypy39; the manifest has pycs of its source for cpython-311',
      [],
    ],
    ['a pyc without a source', `${app}/evil.pyc`, 'it has no source, but Python loads it', []],
  ])('reports %s, which an interpreter loads', (_, path, detail, others) => {
    expect(found([path, ...others])).toEqual([{ kind: 'unrecorded', path, detail }]);
    expect(found([entryAt(path, { type: 'symlink', target: 'x' }), ...others])).toMatchObject([{ path }]);
    expect(found([path, ...others], (asked) => asked === path)).toEqual([]);
  });

  it.each<[string, PycHeader, DescribedEntry['source'], Partial<DescribedEntry>, 'stale' | 'unrecorded']>([
    ['of the mtime that its source had', { ...timestamp, sourceMtimeSeconds: 1 }, undefined, {}, 'stale'],
    ['of its source', timestamp, undefined, {}, 'unrecorded'],
    [
      'whose source gets an mtime by unpacking',
      { ...timestamp, sourceMtimeSeconds: 1 },
      undefined,
      { mtimeIs: 'of-installation' },
      'unrecorded',
    ],
    ['whose hash is checked', hashed('checked-hash'), hashes(3495), {}, 'stale'],
    ['whose hash is not checked', hashed('unchecked-hash'), hashes(3495), {}, 'unrecorded'],
    ['with a hash that is not known', hashed('checked-hash'), hashes(3425), {}, 'unrecorded'],
  ])('reports a pyc as stale only if no interpreter loads it: one %s', (_, header, source, more, kind) => {
    const path = `${app}/__pycache__/b.cpython-311.pyc`;
    const pyc = { sha256: 'its', header };
    const entries = [
      entryAt(path, { pyc }),
      entryAt(`${app}/b.py`, { sizeBytes: 6, mtimeSeconds: 9, source, ...more }),
    ];
    expect(found(entries)).toMatchObject([{ kind, path }]);
  });

  it('reports a pyc whose source is a ghost or a directory', () => {
    const path = `${app}/evil.pyc`;
    for (const source of [
      entryAt(`${app}/evil.py`, { isGhost: true }),
      entryAt(`${app}/evil.py`, { type: 'directory' }),
    ]) {
      expect(found([path, source])).toEqual([
        { kind: 'unrecorded', path, detail: 'it has no source, but Python loads it' },
      ]);
    }
  });

  it('reports a pyc next to its source in a zip', () => {
    const path = '/app/b.pyc';
    expect(found(['/app/b.py', entryAt(path, { mtimeIs: 'rounded' })])).toEqual([
      { kind: 'unrecorded', path, detail: 'Python loads it from the zip, and not its source' },
    ]);
  });

  it('reports a directory without an entry that is the zip on sys.path', () => {
    const zip = '/usr/lib/python311.zip';
    const detail = 'Python searches it for every module, before all directories';
    const finding = { kind: 'unrecorded', path: zip, detail };
    for (const name of ['shop.py', 'shop.pyc', 'shop/__pycache__/b.cpython-311.pyc']) {
      expect(found([`${zip}/${name}`])).toContainEqual(finding);
    }
    expect(found([entryAt('/lib', { type: 'symlink', target: 'usr/lib' }), '/lib/python311.zip/shop.py'])).toEqual([
      finding,
    ]);
    expect(found(['/usr/lib/python39.zip/shop.py', '/srv/python311.zip/shop.py'])).toEqual([]);
    expect(found([`${zip}/shop.py`], (path) => path === zip)).toEqual([]);
  });

  it('reports pycs without a source', () => {
    const path = `${site}/__pycache__/gone.cpython-311.pyc`;
    expect(found([path])).toEqual([{ kind: 'orphan', path, detail: `there is no ${site}/gone.py` }]);
  });

  it('reports pycs that the interpreter of their directory does not load', () => {
    const path = `${site}/__pycache__/b.cpython-39.pyc`;
    const detail = 'python3.11 does not read the pycs of cpython-39';
    expect(found([`${site}/b.py`, path])).toEqual([{ kind: 'foreign', path, detail }]);
  });

  it('recognizes a recorded pyc under a path through a symlink', () => {
    const entries = [
      entryAt('/lib', { type: 'symlink', target: 'usr/lib' }),
      entryAt('/usr/lib/a.py'),
      entryAt('/usr/lib/__pycache__/a.cpython-311.pyc'),
    ];
    const { payload, facts } = describedPayload(
      entries.map((entry) => ({ pyc: { unread: 'not looked at' }, ...entry })),
    );
    expect(findUnrecorded([record('/lib')], ['cpython-311'], payload, facts, everything, () => false)).toEqual({
      findings: [],
      others: 0,
    });
  });
});
