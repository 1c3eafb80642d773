import { execFileSync } from 'node:child_process';
import { linkSync, lstatSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { discover } from '../../src/buildroot/discover.ts';
import type { MtimePolicy } from '../../src/buildroot/mtime.ts';
import { applyMtimePolicy } from '../../src/buildroot/mtime.ts';
import { openTree } from '../../src/buildroot/open.ts';
import { Scope } from '../../src/buildroot/scope.ts';
import { contentsOf, type Planted, plantBuildroot, temporaryDirectory } from '../helpers/buildroot.ts';
import { meanwhile } from '../helpers/meanwhile.ts';

const numbers = vi.hoisted(() => ({ areEqual: false }));

vi.mock(import('../../src/files/stat.ts'), async (load) => {
  const real = await load();
  const alike = <S>(stat: S): S => (numbers.areEqual && stat ? { ...stat, identity: 'one for all' } : stat);
  return {
    ...real,
    fstat: (descriptor) => alike(real.fstat(descriptor)),
    lstat: (path) => alike(real.lstat(path)),
    lstatIfAny: (path) => alike(real.lstatIfAny(path)),
  };
});

vi.mock(import('../../src/files/attributes.ts'), async (load) => {
  const { editedMeanwhile } = await import('../helpers/meanwhile.ts');
  return editedMeanwhile(await load());
});

/** The latest time that the file system has, in seconds. */
const latest = vi.hoisted(() => ({ seconds: Number.POSITIVE_INFINITY }));

vi.mock(import('node:fs'), async (load) => {
  const real = await load();
  const futimesSync: typeof real.futimesSync = (descriptor, accessed, modified) =>
    real.futimesSync(descriptor, accessed, Math.min(Number(modified), latest.seconds));
  return { ...real, default: real, futimesSync };
});

const epoch = 1_500_000_000;
const clamp: MtimePolicy = { policy: 'clamp', epochSeconds: epoch };
const at = (mtime: number): Planted => ({ content: 'x = 1\n', mtime });

function planted(files: Readonly<Record<string, Planted>>, ...paths: string[]) {
  const buildroot = openTree(plantBuildroot(files));
  const { sources } = discover(buildroot, { paths: paths.length > 0 ? paths : ['/'], isExcluded: () => false });
  const path = (name: string) => join(buildroot.path, name);
  const apply = (policy: MtimePolicy = clamp) => applyMtimePolicy(new Scope(buildroot, paths), sources, policy);
  return { buildroot, sources, path, mtimeOf: (name: string) => lstatSync(path(name)).mtimeMs / 1000, apply };
}

describe('applyMtimePolicy', () => {
  it.each<[MtimePolicy, number, number, number]>([
    [{ policy: 'keep' }, epoch - 5, epoch + 5.5, epoch - 5.5],
    [clamp, epoch - 5, epoch, epoch - 5.5],
    [{ policy: 'set', epochSeconds: epoch }, epoch, epoch, epoch],
    [{ policy: 'clamp', epochSeconds: 0 }, 0, 0, 0],
  ])('%o', (policy, older, newer, fraction) => {
    const { sources, mtimeOf, apply } = planted({
      'fraction.py': at(epoch - 5.5),
      'newer.py': at(epoch + 5.5),
      'older.py': at(epoch - 5),
    });
    const after = apply(policy);
    expect([mtimeOf('fraction.py'), mtimeOf('newer.py'), mtimeOf('older.py')]).toEqual([fraction, newer, older]);
    expect(after).toEqual({
      sources: [fraction, newer, older].map((mtime, i) => ({ ...sources[i], mtimeSeconds: Math.trunc(mtime) })),
      outside: [],
      refused: [],
    });
  });

  it('does not touch mtimes that a package would not clamp, in whole seconds', () => {
    const { sources, mtimeOf, apply } = planted({ 'a.py': at(epoch + 0.5) });
    expect(apply().sources).toEqual(sources);
    expect(mtimeOf('a.py')).toBe(epoch + 0.5);
  });

  it('touches neither atimes nor files that are not sources', () => {
    const { path, mtimeOf, apply } = planted({ 'a.py': at(epoch + 5), data: at(epoch + 5) });
    const { atimeMs } = lstatSync(path('a.py'));
    apply();
    expect([mtimeOf('a.py'), mtimeOf('data'), lstatSync(path('a.py')).atimeMs]).toEqual([epoch, epoch + 5, atimeMs]);
  });

  it('sets the mtime of the target of a symlink, for both names', () => {
    const { sources, mtimeOf, apply } = planted({ text: at(epoch + 5), 'a.py': { symlink: '/text' } });
    expect(apply()).toEqual({ sources: [{ ...sources[0], mtimeSeconds: epoch }], outside: [], refused: [] });
    expect(mtimeOf('text')).toBe(epoch);
  });

  it.each([['the buildroot'], ['the PATHs', '/']])('keeps hard links within %s together', (_, ...paths) => {
    const { path, mtimeOf, apply } = planted(
      { 'a.py': at(epoch + 5), 'b.py': { hardLink: 'a.py' }, 'data/a': { hardLink: 'a.py' } },
      ...paths,
    );
    const before = lstatSync(path('a.py'));
    expect(apply().sources.map(({ mtimeSeconds }) => mtimeSeconds)).toEqual([epoch, epoch]);
    for (const name of ['a.py', 'b.py', 'data/a']) {
      expect(lstatSync(path(name))).toMatchObject({ ino: before.ino, nlink: 3, mtimeMs: epoch * 1000 });
    }
    expect(mtimeOf('b.py')).toBe(epoch);
  });

  it('separates a source from its names outside the buildroot, which do not change', () => {
    const { buildroot, path, apply } = planted({
      'a.py': { content: 'x = 1\n', mtime: epoch + 5, mode: 0o4750 },
      'b.py': { hardLink: 'a.py' },
      '.hidden/[c]': { hardLink: 'a.py' },
    });
    const outside = join(temporaryDirectory(), 'outside.py');
    linkSync(path('a.py'), outside);
    const before = lstatSync(outside);
    const contents = contentsOf(buildroot.path);
    apply();

    expect(lstatSync(outside)).toMatchObject({ ino: before.ino, nlink: 1, mtimeMs: (epoch + 5) * 1000 });
    expect(readFileSync(outside, 'utf8')).toBe('x = 1\n');
    const inside = lstatSync(path('a.py'));
    expect(inside.ino).not.toBe(before.ino);
    for (const name of ['a.py', 'b.py', '.hidden/[c]']) {
      expect(lstatSync(path(name))).toMatchObject({
        ino: inside.ino,
        nlink: 3,
        mode: before.mode,
        uid: before.uid,
        gid: before.gid,
        mtimeMs: epoch * 1000,
      });
    }
    expect(contentsOf(buildroot.path)).toEqual(contents);
  });

  it('separates a source from its names outside the PATHs, and counts a name in two PATHs once', () => {
    const files = {
      'opt/app/lib/a.py': at(epoch + 5),
      'opt/app/b.py': { hardLink: 'opt/app/lib/a.py' },
      'srv/a.py': { hardLink: 'opt/app/lib/a.py' },
    };
    const { path, apply } = planted(files, '/opt/app', '/opt/app/lib', '/opt/app/b.py');
    const before = lstatSync(path('srv/a.py'));
    apply();
    expect(lstatSync(path('srv/a.py'))).toMatchObject({ ino: before.ino, nlink: 1, mtimeMs: (epoch + 5) * 1000 });
    const { ino } = lstatSync(path('opt/app/lib/a.py'));
    expect(ino).not.toBe(before.ino);
    for (const name of ['opt/app/lib/a.py', 'opt/app/b.py']) {
      expect(lstatSync(path(name))).toMatchObject({ ino, nlink: 2, mtimeMs: epoch * 1000 });
    }
  });

  it('does not touch the target of a symlink outside the PATHs, and reports it', () => {
    const files = { 'srv/a.py': at(epoch + 5), 'opt/a.py': { symlink: '../srv/a.py' }, 'opt/b.py': at(epoch + 5) };
    const { sources, path, mtimeOf, apply } = planted(files, '/opt');
    const before = lstatSync(path('srv/a.py'));
    const after = [sources[0], { ...sources[1], mtimeSeconds: epoch }];
    expect(apply()).toEqual({ sources: after, outside: [sources[0]], refused: [] });
    expect(lstatSync(path('srv/a.py'))).toEqual(before);
    expect(mtimeOf('opt/b.py')).toBe(epoch);
  });

  it('does not touch a source hard-linked to the outside if its mtime is right', () => {
    const { sources, path, apply } = planted({ 'a.py': at(epoch - 5) });
    linkSync(path('a.py'), join(temporaryDirectory(), 'outside.py'));
    const before = lstatSync(path('a.py'));
    expect(apply().sources).toEqual(sources);
    expect(lstatSync(path('a.py'))).toEqual(before);
  });

  it.each<[string, string, (path: string) => void]>([
    ['is immutable', 'EPERM', immutable],
    ['is gone', 'ENOENT', (path) => rmSync(path)],
    ['is a symlink now', 'ENOENT', linkedElsewhere],
  ])('reports a source that %s, and sets the others', (_, code, change) => {
    const { sources, path, mtimeOf, apply } = planted({ 'a.py': at(epoch + 5), 'b.py': at(epoch + 5) });
    change(path('a.py'));
    expect(apply()).toEqual({
      sources: [{ ...sources[1], mtimeSeconds: epoch }],
      outside: [],
      refused: [{ source: sources[0], error: expect.objectContaining({ code }) }],
    });
    expect(mtimeOf('b.py')).toBe(epoch);
  });

  it('does not lose writes to a source while it becomes a separate file', () => {
    const { sources, path, apply } = planted({ 'a.py': at(epoch + 5) });
    linkSync(path('a.py'), join(temporaryDirectory(), 'outside.py'));
    meanwhile.edit = () => writeFileSync(path('a.py'), 'edited = 1\n');
    onTestFinished(() => {
      meanwhile.edit = () => {};
    });
    const error = expect.objectContaining({ message: 'ESTALE: the file changed while it was read' });
    expect(apply()).toEqual({ sources: [], outside: [], refused: [{ source: sources[0], error }] });
    expect(readFileSync(path('a.py'), 'utf8')).toBe('edited = 1\n');
  });

  it.each([
    ['only names in the buildroot', 0],
    ['a name outside', 1],
  ])('reports a source with %s for which the file system stores another time', (_, outside) => {
    const { sources, path, apply } = planted({ 'a.py': at(epoch - 5), 'b.py': at(epoch) });
    if (outside) linkSync(path('a.py'), join(temporaryDirectory(), 'outside.py'));
    latest.seconds = epoch;
    onTestFinished(() => {
      latest.seconds = Number.POSITIVE_INFINITY;
    });
    const message = `ERANGE: the file system stored ${epoch} instead of ${epoch + 5}`;
    const refused = sources.map((source) => ({ source, error: expect.objectContaining({ message }) }));
    const after = apply({ policy: 'set', epochSeconds: epoch + 5 });
    expect(after).toEqual({ sources: [], outside: [], refused });
  });

  it('uses the new mtime of a source that changed', () => {
    const { sources, path, apply } = planted({ 'a.py': at(epoch + 5), 'b.py': at(epoch + 5) });
    execFileSync('touch', ['-d', `@${epoch - 7}`, path('a.py')]);
    expect(apply().sources.map(({ mtimeSeconds }) => mtimeSeconds)).toEqual([epoch - 7, epoch]);
    expect(sources).toHaveLength(2);
  });

  it('never replaces another file, even if both have the same inode number', () => {
    const { sources, path, apply } = planted({
      'a.py': at(epoch + 5),
      'b.py': { content: 'y = 2\n', mtime: epoch + 5 },
    });
    for (const name of ['a.py', 'b.py', 'a.py', 'b.py']) linkSync(path(name), join(temporaryDirectory(), name));
    numbers.areEqual = true;
    onTestFinished(() => {
      numbers.areEqual = false;
    });
    expect(apply().sources).toEqual(sources.map((source) => ({ ...source, mtimeSeconds: epoch })));
    expect(['a.py', 'b.py'].map((name) => readFileSync(path(name), 'utf8'))).toEqual(['x = 1\n', 'y = 2\n']);
  });
});

function linkedElsewhere(path: string): void {
  rmSync(path);
  symlinkSync('b.py', path);
}

function immutable(path: string): void {
  execFileSync('chattr', ['+i', path]);
  onTestFinished(() => void execFileSync('chattr', ['-i', path]));
}
