import { execFileSync } from 'node:child_process';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTree } from '../../src/buildroot/open.ts';
import { PyclinkError } from '../../src/errors.ts';
import { defaultReadLimits } from '../../src/payload/budget.ts';
import { Payload } from '../../src/payload/payload.ts';
import { searchTree } from '../../src/payload/tree.ts';
import { type Planted, plantBuildroot } from '../helpers/buildroot.ts';
import { searchFor } from '../helpers/payload.ts';

const names = /\.pyc?$/;

function searched(files: Readonly<Record<string, Planted>>, paths: readonly string[] = [], wanted = names) {
  const tree = openTree(plantBuildroot(files));
  const { search, taken } = searchFor(wanted, paths);
  const contents = searchTree(tree, search, { ...defaultReadLimits, maxFileBytes: 100 });
  const filesOf = contents.entries.filter(({ type }) => type !== 'directory').map(({ path }) => path);
  return { tree: tree.path, contents, taken, files: filesOf.sort(), payload: new Payload([contents]) };
}

describe('searchTree', () => {
  it('lists the names of the search with their directories, and visits the bytes of files', () => {
    const { tree, contents, taken } = searched({
      'd/a.py': { content: 'x = 1\n', mode: 0o755, mtime: 5.75 },
      'd/other.txt': 'not listed',
    });
    const stat = lstatSync(join(tree, 'd/a.py'), { bigint: true });
    expect(contents.entries.find(({ path }) => path === '/d/a.py')).toEqual({
      path: '/d/a.py',
      type: 'file',
      file: `${tree}\0${stat.dev}:${stat.ino}`,
      container: tree,
      sizeBytes: 6,
      mode: 0o755,
      owner: `${stat.uid}:${stat.gid}`,
      mtimeSeconds: 5,
    });
    expect(contents.entries.map(({ path, type }) => [path, type]).sort()).toEqual([
      ['/', 'directory'],
      ['/d', 'directory'],
      ['/d/a.py', 'file'],
    ]);
    expect([...taken]).toEqual([['/d/a.py', Buffer.from('x = 1\n')]]);
  });

  it('recognizes the names of one file, and reads it once', () => {
    const { payload, taken } = searched({ 'a.pyc': 'x', 'b.pyc': { hardLink: 'a.pyc' }, 'c.pyc': 'x' });
    const [a, b, c] = ['/a.pyc', '/b.pyc', '/c.pyc'].map((path) => payload.at(path as never)[0]?.file);
    expect(b).toBe(a);
    expect(c).not.toBe(a);
    expect(taken.size).toBe(2);
  });

  it('lists paths of the search whatever their names, and the targets of symlinks', () => {
    const files: Record<string, Planted> = {
      'real/text': 'x = 1\n',
      'real/b.pyc': 'y',
      'a.py': { symlink: '/real/text' },
      lib: { symlink: '/real' },
    };
    const { payload, taken, files: listed } = searched(files, ['/lib/b.pyc', '/missing'], /^a\.py$/);
    expect(listed).toEqual(['/a.py', '/lib', '/real/b.pyc', '/real/text']);
    expect(payload.follow('/a.py' as never)).toMatchObject([{ path: '/real/text', type: 'file' }]);
    expect(payload.at('/lib/b.pyc' as never)).toMatchObject([{ path: '/real/b.pyc' }]);
    expect([...taken.keys()].sort()).toEqual(['/real/b.pyc', '/real/text']);
  });

  it('follows no symlink out of the tree, and lists only files, symlinks and directories', () => {
    const { payload, files } = searched(
      { 'host.py': { symlink: '/proc/version' }, 'up.py': { symlink: '../../../../../../etc/passwd' } },
      ['/host.py/x'],
    );
    expect(files).toEqual(['/host.py', '/up.py']);
    expect(payload.follow('/host.py' as never)).toEqual([]);
    expect(payload.follow('/up.py' as never)).toEqual([]);
    const tree = openTree(plantBuildroot({ 'a.py': 'x' }));
    execFileSync('mkfifo', [join(tree.path, 'pipe.py')]);
    const { search } = searchFor(names);
    expect(
      searchTree(tree, search, defaultReadLimits)
        .entries.map(({ path }) => path)
        .sort(),
    ).toEqual(['/', '/a.py']);
  });

  it('reports a file that is too large', () => {
    const { taken } = searched({ 'a.py': 'x'.repeat(101), 'b.py': 'x'.repeat(100) });
    expect(taken.get('/a.py')).toMatch(/^is too large: /);
    expect(taken.get('/b.py')).toHaveLength(100);
  });

  it('ends if the bytes cannot be extracted, and does not blame the file', () => {
    const error = new PyclinkError('file-failed', 'cannot be written (ENOSPC)', { path: '/tmp' });
    const visit = () => () => {
      throw error;
    };
    const tree = openTree(plantBuildroot({ 'a.py': 'x = 1\n' }));
    expect(() => searchTree(tree, { names, visit }, defaultReadLimits)).toThrow(error);
  });
});
