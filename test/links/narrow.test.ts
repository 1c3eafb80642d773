import { linkSync, lstatSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { StagedPath } from '../../src/files/path.ts';
import { narrowModes } from '../../src/links/narrow.ts';
import { plantBuildroot, temporaryDirectory } from '../helpers/buildroot.ts';
import { meanwhile } from '../helpers/meanwhile.ts';

const pycs = ['a.cpython-311.pyc', 'a.cpython-311.opt-1.pyc', 'a.cpython-311.opt-2.pyc'].map(
  (name) => `__pycache__/${name}`,
);

vi.mock(import('../../src/files/attributes.ts'), async (load) => {
  const { editedMeanwhile } = await import('../helpers/meanwhile.ts');
  return editedMeanwhile(await load());
});

function planted(sourceMode: number, pycMode: number) {
  const root = plantBuildroot({
    'a.py': { content: 'source', mode: sourceMode },
    [pycs[0] as string]: { content: 'pyc', mode: pycMode },
    [pycs[1] as string]: { hardLink: pycs[0] as string },
    [pycs[2] as string]: { content: 'other', mode: pycMode },
  });
  const paths = pycs.map((path) => join(root, path) as StagedPath);
  const state = () => paths.map((path) => [(lstatSync(path).mode & 0o7777).toString(8), lstatSync(path).ino]);
  return { root, paths, state };
}

describe('narrowModes', () => {
  it('does not lose concurrent writes to a pyc', () => {
    const { paths } = planted(0o600, 0o644);
    const path = paths[2] as StagedPath;
    linkSync(path, join(temporaryDirectory(), 'outside'));
    meanwhile.edit = () => writeFileSync(path, 'written meanwhile');
    onTestFinished(() => {
      meanwhile.edit = () => {};
    });
    expect(() => narrowModes(paths, false)).toThrow('ESTALE');
    expect(readFileSync(path, 'utf8')).toBe('written meanwhile');
  });

  it.each([
    [0o600, 0o644, '600'],
    [0o640, 0o664, '660'],
    [0o604, 0o644, '604'],
    [0o000, 0o444, '400'],
    [0o600, 0o4644, '4600'],
  ])('for a source of mode %o, %o becomes %s, and links are kept', (sourceMode, pycMode, expected) => {
    const { paths, state } = planted(sourceMode, pycMode);
    const before = state();
    expect(narrowModes(paths, true)).toBe(3);
    expect(state()).toEqual(before);
    expect(narrowModes(paths, false)).toBe(3);
    expect(state()).toEqual(before.map(([, inode]) => [expected, inode]));
    expect(narrowModes(paths, false)).toBe(0);
  });

  it.each([
    [0o644, 0o644],
    [0o755, 0o644],
    [0o400, 0o600],
    [0o644, 0o666],
  ])('for a source of mode %o, does not change a pyc of mode %o', (sourceMode, pycMode) => {
    const { paths, state } = planted(sourceMode, pycMode);
    const before = state();
    expect(narrowModes(paths, false)).toBe(0);
    expect(state()).toEqual(before);
  });

  it('separates the names from a file with a name elsewhere', () => {
    const { root, paths, state } = planted(0o600, 0o644);
    const elsewhere = join(temporaryDirectory(), 'elsewhere.pyc');
    linkSync(join(root, pycs[0] as string), elsewhere);
    const { mtimeMs, ino } = lstatSync(elsewhere);
    expect(narrowModes(paths, false)).toBe(3);
    expect(state().map(([mode]) => mode)).toEqual(['600', '600', '600']);
    expect(lstatSync(elsewhere)).toMatchObject({ ino, mtimeMs, nlink: 1 });
    expect(lstatSync(elsewhere).mode & 0o777).toBe(0o644);
    const [first = ''] = paths;
    expect([readFileSync(first, 'utf8'), lstatSync(first).mtimeMs]).toEqual(['pyc', mtimeMs]);
  });

  it('does not change pycs without a source, or whose source is a symlink', () => {
    const { root, paths } = planted(0o600, 0o644);
    expect(
      narrowModes(
        paths.map((path) => path.replace('/a.', '/b.') as StagedPath),
        false,
      ),
    ).toBe(0);
    expect(narrowModes([], false)).toBe(0);
    renameSync(join(root, 'a.py'), join(root, 'text'));
    symlinkSync('text', join(root, 'a.py'));
    expect(narrowModes(paths, false)).toBe(0);
  });
});
