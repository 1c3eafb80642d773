import { describe, expect, it } from 'vitest';
import { openTree } from '../../src/buildroot/open.ts';
import { findPycs } from '../../src/links/find.ts';
import { type Planted, plantBuildroot } from '../helpers/buildroot.ts';

/** What is found in a buildroot with these files, by payload paths. */
function found(files: Readonly<Record<string, Planted>>, paths: readonly string[] = []) {
  const buildroot = openTree(plantBuildroot(files));
  const { directories, pycs, unreadable } = findPycs(buildroot, paths);
  const sets = directories.flatMap((directory) => directory.sets);
  return { sets: sets.map((set) => set.map((path) => path.slice(buildroot.path.length))), pycs, unreadable };
}

describe('findPycs', () => {
  it('groups the pycs of one source and cache tag', () => {
    const files = {
      'usr/share/app/__pycache__/a.cpython-311.pyc': '',
      'usr/share/app/__pycache__/a.cpython-311.opt-1.pyc': '',
      'usr/share/app/__pycache__/a.cpython-311.opt-2.pyc': '',
      'usr/share/app/__pycache__/a.cpython-310.pyc': '',
      'usr/share/app/__pycache__/b.cpython-311.pyc': '',
      'usr/lib/python3.11/__pycache__/a.cpython-311.pyc': '',
    };
    expect(found(files)).toEqual({
      sets: [
        ['/usr/lib/python3.11/__pycache__/a.cpython-311.pyc'],
        ['/usr/share/app/__pycache__/a.cpython-310.pyc'],
        [
          '/usr/share/app/__pycache__/a.cpython-311.opt-1.pyc',
          '/usr/share/app/__pycache__/a.cpython-311.opt-2.pyc',
          '/usr/share/app/__pycache__/a.cpython-311.pyc',
        ],
        ['/usr/share/app/__pycache__/b.cpython-311.pyc'],
      ],
      pycs: 6,
      unreadable: [],
    });
  });

  it('groups .pyc and .pyo files next to their sources, but never across directories', () => {
    const files = { 'a.pyc': '', 'a.pyo': '', 'a.py': '', '__pycache__/a.cpython-311.pyc': '', 'b/a.pyc': '' };
    expect(found(files)).toEqual({
      sets: [['/__pycache__/a.cpython-311.pyc'], ['/a.pyc', '/a.pyo'], ['/b/a.pyc']],
      pycs: 4,
      unreadable: [],
    });
  });

  it('skips files that are not regular or not named like a pyc', () => {
    const files = {
      'a.pyc': { symlink: 'b.pyc' },
      'b.pyc': { directory: true },
      '.pyc': '',
      '__pycache__/a.pyc': '',
      '__pycache__/a.cpython-311.pyc.1': '',
      linked: { symlink: 'real' },
      'real/c.pyc': '',
    } as const;
    expect(found(files)).toEqual({ sets: [['/real/c.pyc']], pycs: 1, unreadable: [] });
  });

  it('searches only the PATHs, and finds each pyc once', () => {
    const files = { 'a/a.pyc': '', 'a/b/b.pyc': '', 'c/c.pyc': '' };
    expect(found(files, ['/a/b', '/a']).sets).toEqual([['/a/b/b.pyc'], ['/a/a.pyc']]);
  });

  it('reports directories with leftovers of a killed run', () => {
    const buildroot = openTree(
      plantBuildroot({ 'a/a.pyc': '', 'b/.pyclink-1-x': '', 'c/c.pyc': '', 'c/.pyclink-2-y': '' }),
    );
    const { directories } = findPycs(buildroot, []);
    expect(directories.map(({ directory, hasLeftovers }) => [directory.slice(-2), hasLeftovers])).toEqual([
      ['/a', false],
      ['/b', true],
      ['/c', true],
    ]);
  });

  it('refuses a PATH outside the buildroot', () => {
    const outside = plantBuildroot({ 'a.pyc': '', 'a.pyo': '' });
    expect(() => found({ away: { symlink: outside } }, ['/away'])).toThrow(
      expect.objectContaining({ code: 'usage', message: '/away: points outside the buildroot' }),
    );
  });

  it('refuses a file, also for other commands than link', () => {
    expect(() => found({ 'a.pyc': '' }, ['/a.pyc'])).toThrow(
      expect.objectContaining({ code: 'usage', message: 'is not a directory' }),
    );
  });

  it('refuses a missing PATH', () => {
    expect(() => found({}, ['/usr'])).toThrow(
      expect.objectContaining({ code: 'usage', message: '/usr: not in the buildroot' }),
    );
  });
});
