import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type DiscoverOptions, discover } from '../../src/buildroot/discover.ts';
import { openTree } from '../../src/buildroot/open.ts';
import { toStaged } from '../../src/buildroot/path.ts';
import { type Planted, plantBuildroot } from '../helpers/buildroot.ts';

const everywhere: DiscoverOptions = { paths: [], isExcluded: () => false };

/** What is discovered in a buildroot with these files, by payload paths. */
function discovered(files: Readonly<Record<string, Planted>>, options: Partial<DiscoverOptions> = {}) {
  const { sources, skipped } = discover(openTree(plantBuildroot(files)), { ...everywhere, ...options });
  return { sources: sources.map(({ payload }) => payload), skipped };
}

describe('discover', () => {
  it('reports everything about a source', () => {
    const content = 'x = 1\n';
    const buildroot = openTree(
      plantBuildroot({
        'usr/lib/python3.11/a.py': { content, mtime: 1_600_000_000.75 },
        'usr/lib/python3.11/old.py': { content, mtime: 0.5 },
        'usr/lib/python3.11/t/b.py': { content, mtime: 1 },
        'usr/lib/python3.11/t/__pycache__/b.cpython-311.pyc': '',
      }),
    );
    const source = (payload: string, mtimeSeconds: number, hasCache = false) => ({
      staged: toStaged(buildroot, payload),
      payload,
      content: toStaged(buildroot, payload),
      physical: true,
      hasCache,
      interpreter: { command: 'python3.11', home: undefined },
      sizeBytes: 6,
      mtimeSeconds,
    });
    expect(discover(buildroot, everywhere)).toEqual({
      sources: [
        source('/usr/lib/python3.11/a.py', 1_600_000_000),
        source('/usr/lib/python3.11/old.py', 0),
        source('/usr/lib/python3.11/t/b.py', 1, true),
      ],
      skipped: [],
      withoutSources: [],
      leftovers: [],
    });
  });

  it('searches only Python directories if no PATH is given', () => {
    const files = {
      'usr/lib/python3.11/b/a.py': '',
      'usr/lib/python3/dist-packages/a.py': '',
      'usr/share/app/a.py': '',
      'usr/bin/tool.py': '',
    };
    expect(discovered(files)).toEqual({
      sources: ['/usr/lib/python3.11/b/a.py', '/usr/lib/python3/dist-packages/a.py'],
      skipped: [],
    });
    expect(discovered(files, { paths: ['/'] }).sources).toEqual([
      '/usr/bin/tool.py',
      '/usr/lib/python3.11/b/a.py',
      '/usr/lib/python3/dist-packages/a.py',
      '/usr/share/app/a.py',
    ]);
  });

  it('finds each source once, however many PATHs lead to it', () => {
    const files = { 'usr/share/app/a.py': '', 'usr/share/app/b.py': '', lib: { symlink: 'usr/share' } };
    const paths = ['/usr/share/app/b.py', '/usr/share', '/lib/app', '/lib/app/a.py'];
    expect(discovered(files, { paths }).sources).toEqual(['/usr/share/app/a.py', '/usr/share/app/b.py']);
  });

  it('skips bytecode, directories and files in a __pycache__', () => {
    const files = {
      'usr/lib/python3.11/a.pyc': '',
      'usr/lib/python3.11/a.pyi': '',
      'usr/lib/python3.11/directory.py/readme': '',
      'usr/lib/python3.11/__pycache__/a.py': '',
    };
    expect(discovered(files)).toEqual({ sources: [], skipped: [] });
  });

  it('skips a name that no module can have', () => {
    expect(discovered({ 'usr/lib/python3.11/.py': '' })).toEqual({
      sources: [],
      skipped: [{ path: '/usr/lib/python3.11/.py', reason: 'not-a-source' }],
    });
  });

  it.each([
    ['supported-pythons', '/usr/lib/python3/dist-packages/a.py', undefined],
    [{ command: 'pypy3', home: undefined }, '/usr/lib/pypy3/a.py', undefined],
    [{ command: 'python3' }, '/usr/share/app/a.py', undefined],
    [{ command: 'python3.9' }, '/usr/share/python3.9/a.py', undefined],
    [{ command: 'my-python' }, '/usr/lib/python3.11/a.py', 'my-python'],
    [{ command: 'my-python' }, '/usr/lib/python3/dist-packages/a.py', 'my-python'],
  ])('lets %j compile %s with --python %s', (interpreter, path, python) => {
    const buildroot = openTree(plantBuildroot({ [path]: '' }));
    const { sources } = discover(buildroot, {
      ...everywhere,
      paths: [path],
      python: python === undefined ? undefined : { command: python },
    });
    expect(sources.map((source) => source.interpreter)).toEqual([interpreter]);
  });

  it("looks for a virtual environment's interpreter where its pyvenv.cfg says", () => {
    const buildroot = openTree(
      plantBuildroot({
        'opt/venv/pyvenv.cfg': 'home = /opt/python/bin\n',
        'opt/venv/lib/python3.11/site-packages/a.py': '',
        'opt/linked/pyvenv.cfg': { symlink: '../venv/pyvenv.cfg' },
        'opt/linked/lib/python3.11/site-packages/a.py': '',
      }),
    );
    expect(discover(buildroot, everywhere).sources.map((source) => source.interpreter)).toEqual([
      { command: 'python3.11', home: undefined },
      { command: 'python3.11', home: '/opt/python/bin' },
    ]);
  });

  it('reports sources of Python directories that were not asked for', () => {
    const files = { 'usr/lib/python3.11/a.py': '', 'opt/lib/python3.11/b.py': '', 'usr/share/app/c.py': '' };
    expect(discovered(files, { only: { matching: /^\/usr\//, later: [] } })).toEqual({
      sources: ['/usr/lib/python3.11/a.py'],
      skipped: [{ path: '/opt/lib/python3.11/b.py', reason: 'not-asked-for' }],
    });
  });

  it('skips Python 2 unless the user names the interpreter', () => {
    const files = { 'usr/lib/python2.7/a.py': '' };
    expect(discovered(files)).toEqual({
      sources: [],
      skipped: [{ path: '/usr/lib/python2.7/a.py', reason: 'python-2' }],
    });
    expect(discovered(files, { python: { command: 'python3' } }).sources).toEqual(['/usr/lib/python2.7/a.py']);
  });

  it('skips excluded sources, by staged or by payload path', () => {
    const files = { 'usr/lib/python3.11/a.py': '', 'usr/lib/python3.11/b.py': '', 'usr/lib/python3.11/c.py': '' };
    const buildroot = openTree(plantBuildroot(files));
    const { sources, skipped } = discover(buildroot, {
      paths: [],
      isExcluded: (staged, payload) =>
        staged === `${buildroot.path}/usr/lib/python3.11/a.py` || payload === '/usr/lib/python3.11/b.py',
    });
    expect(sources.map(({ payload }) => payload)).toEqual(['/usr/lib/python3.11/c.py']);
    expect(skipped).toEqual([
      { path: '/usr/lib/python3.11/a.py', reason: 'excluded' },
      { path: '/usr/lib/python3.11/b.py', reason: 'excluded' },
    ]);
  });

  it('compiles a symlink to a source inside the buildroot under its own name', () => {
    const buildroot = openTree(
      plantBuildroot({
        'usr/share/app/text': { content: 'x = 1\n', mtime: 1_600_000_000 },
        'usr/lib/python3.11/relative.py': { symlink: '../../share/app/text' },
        'usr/lib/python3.11/absolute.py': { symlink: '/usr/share/app/text' },
      }),
    );
    const source = (payload: string, physical: boolean) => ({
      staged: toStaged(buildroot, payload),
      payload,
      content: toStaged(buildroot, '/usr/share/app/text'),
      physical,
      hasCache: false,
      interpreter: { command: 'python3.11', home: undefined },
      sizeBytes: 6,
      mtimeSeconds: 1_600_000_000,
    });
    expect(discover(buildroot, everywhere)).toEqual({
      sources: [source('/usr/lib/python3.11/absolute.py', false), source('/usr/lib/python3.11/relative.py', true)],
      skipped: [],
      withoutSources: [],
      leftovers: [],
    });
  });

  it('skips sources that cannot be compiled or must not be written, with the reason', () => {
    const files = {
      'usr/lib/python3.11/dangling.py': { symlink: 'nothing.py' },
      'usr/lib/python3.11/host.py': { symlink: '/proc/version' },
      'usr/lib/python3.11/above.py': { symlink: '../../../../a.py' },
      'usr/lib/python3.11/directory.py': { symlink: 'package' },
      'usr/lib/python3.11/loop.py': { symlink: 'loop.py' },
      'usr/lib/python3.11/package/a.py': '',
      'usr/lib/python3.11/package/__pycache__': { symlink: '/var/cache' },
      'usr/lib/python3.11/python/a.py': '',
      'usr/lib/python3.11/python/__pycache__/a.cpython-311.pyc': '',
    };
    expect(discovered(files)).toEqual({
      sources: ['/usr/lib/python3.11/python/a.py'],
      skipped: [
        { path: '/usr/lib/python3.11/above.py', reason: 'symlink-outside' },
        { path: '/usr/lib/python3.11/dangling.py', reason: 'dangling-symlink' },
        { path: '/usr/lib/python3.11/directory.py', reason: 'not-a-regular-file' },
        { path: '/usr/lib/python3.11/host.py', reason: 'symlink-outside' },
        { path: '/usr/lib/python3.11/loop.py', reason: 'dangling-symlink' },
        { path: '/usr/lib/python3.11/package/a.py', reason: 'cache-is-symlink' },
      ],
    });
  });

  it('reports names that are not UTF-8, in Python directories or below a PATH', () => {
    const buildroot = openTree(plantBuildroot({ 'usr/lib/python3.11/a.py': '', 'usr/share/app': { directory: true } }));
    for (const directory of ['usr/lib/python3.11', 'usr/share/app']) {
      writeFileSync(Buffer.from(`${join(buildroot.path, directory)}/\xff.py`, 'latin1'), '');
    }
    const skipped = (path: string) => ({ path, reason: 'name-not-utf8' });
    expect(discover(buildroot, everywhere).skipped).toEqual([skipped('/usr/lib/python3.11/\\xff.py')]);
    expect(discover(buildroot, { ...everywhere, paths: ['/usr/share'] }).skipped).toEqual([
      skipped('/usr/share/app/\\xff.py'),
    ]);
  });

  it('takes a single file as a PATH, and reports if it is not a source', () => {
    const files = { 'usr/bin/tool.py': '', 'usr/bin/tool': '', 'usr/bin/host.py': { symlink: '/proc/version' } };
    expect(discovered(files, { paths: ['/usr/bin/tool.py', '/usr/bin/tool', '/usr/bin/host.py'] })).toEqual({
      sources: ['/usr/bin/tool.py'],
      skipped: [
        { path: '/usr/bin/host.py', reason: 'symlink-outside' },
        { path: '/usr/bin/tool', reason: 'not-a-source' },
      ],
    });
  });

  it('does not enter symlinked directories', () => {
    const files = { 'usr/lib/python3.11/a/b.py': '', 'usr/lib/python3.11/c': { symlink: 'a' } };
    expect(discovered(files).sources).toEqual(['/usr/lib/python3.11/a/b.py']);
  });

  it('does not depend on the order in which the files were made', () => {
    const names = ['b.py', 'B.py', 'a.py', '\uff5e.py', '😀.py', 'a/x.py'];
    const files = names.map((name) => [`usr/lib/python3.11/${name}`, ''] as const);
    const [one, other] = [Object.fromEntries(files), Object.fromEntries(files.toReversed())];
    expect(discovered(one)).toEqual(discovered(other));
    expect(discovered(one).sources.map((path) => path.slice('/usr/lib/python3.11/'.length))).toEqual([
      'B.py',
      'a.py',
      'a/x.py',
      'b.py',
      '😀.py',
      '\uff5e.py',
    ]);
  });
});

describe('leftovers', () => {
  const files = {
    'usr/lib/python3.11/a.py': '',
    'usr/lib/python3.11/.pyclink-1': '',
    'usr/lib/python3.11/b/b.py': '',
    'usr/lib/python3.11/b/__pycache__/.pyclink-2': '',
    'usr/lib/python3.11/b/.pyclink-3.py': '',
    'usr/lib/python3.11/data/.pyclink-4': '',
    'usr/share/.pyclink-5': '',
    'usr/lib/python3.11/b-1.dist-info/.pyclink-6': '',
  };

  it('are looked for beside sources, where a name is like theirs', () => {
    const buildroot = openTree(plantBuildroot(files));
    const { leftovers, sources } = discover(buildroot, everywhere);
    expect(sources.map(({ payload }) => payload)).toContain('/usr/lib/python3.11/b/.pyclink-3.py');
    expect([...leftovers].sort()).toEqual(
      ['/usr/lib/python3.11', '/usr/lib/python3.11/b-1.dist-info', '/usr/lib/python3.11/b/__pycache__'].map(
        (directory) => buildroot.path + directory,
      ),
    );
  });

  it('are looked for in the directory of a PATH that is a file', () => {
    const buildroot = openTree(plantBuildroot(files));
    const { leftovers } = discover(buildroot, { ...everywhere, paths: ['/usr/lib/python3.11/b/b.py'] });
    const directory = `${buildroot.path}/usr/lib/python3.11/b`;
    expect([...leftovers].sort()).toEqual([directory, `${directory}/__pycache__`]);
  });
});
