import { linkSync, lstatSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { discover } from '../../src/buildroot/discover.ts';
import { applyMtimePolicy } from '../../src/buildroot/mtime.ts';
import type { MtimePolicy } from '../../src/buildroot/mtime-policy.ts';
import { openTree } from '../../src/buildroot/open.ts';
import { contentsOf, type Planted, plantBuildroot, temporaryDirectory } from '../helpers/buildroot.ts';

const epoch = 1_500_000_000;
const clamp: MtimePolicy = { policy: 'clamp', epochSeconds: epoch };
const at = (mtime: number): Planted => ({ content: 'x = 1\n', mtime });

function planted(files: Readonly<Record<string, Planted>>) {
  const buildroot = openTree(plantBuildroot(files));
  const { sources } = discover(buildroot, { paths: ['/'], isExcluded: () => false });
  const path = (name: string) => join(buildroot.path, name);
  return { buildroot, sources, path, mtimeOf: (name: string) => lstatSync(path(name)).mtimeMs / 1000 };
}

describe('applyMtimePolicy', () => {
  it.each<[MtimePolicy, number, number, number]>([
    [{ policy: 'keep' }, epoch - 5, epoch + 5.5, epoch - 5.5],
    [clamp, epoch - 5, epoch, epoch - 5.5],
    [{ policy: 'set', epochSeconds: epoch }, epoch, epoch, epoch],
    [{ policy: 'clamp', epochSeconds: 0 }, 0, 0, 0],
  ])('%o', (policy, older, newer, fraction) => {
    const { buildroot, sources, mtimeOf } = planted({
      'fraction.py': at(epoch - 5.5),
      'newer.py': at(epoch + 5.5),
      'older.py': at(epoch - 5),
    });
    const after = applyMtimePolicy(buildroot, sources, policy);
    expect([mtimeOf('fraction.py'), mtimeOf('newer.py'), mtimeOf('older.py')]).toEqual([fraction, newer, older]);
    expect(after).toEqual(
      [fraction, newer, older].map((mtime, i) => ({ ...sources[i], mtimeSeconds: Math.trunc(mtime) })),
    );
  });

  it('does not touch what a package, in whole seconds, would not clamp', () => {
    const { buildroot, sources, mtimeOf } = planted({ 'a.py': at(epoch + 0.5) });
    expect(applyMtimePolicy(buildroot, sources, clamp)).toEqual(sources);
    expect(mtimeOf('a.py')).toBe(epoch + 0.5);
  });

  it('touches neither the atime nor files that are no sources', () => {
    const { buildroot, sources, path, mtimeOf } = planted({ 'a.py': at(epoch + 5), data: at(epoch + 5) });
    const { atimeMs } = lstatSync(path('a.py'));
    applyMtimePolicy(buildroot, sources, clamp);
    expect([mtimeOf('a.py'), mtimeOf('data'), lstatSync(path('a.py')).atimeMs]).toEqual([epoch, epoch + 5, atimeMs]);
  });

  it('sets the mtime of the text that a symlink leads to, for both its names', () => {
    const { buildroot, sources, mtimeOf } = planted({ text: at(epoch + 5), 'a.py': { symlink: '/text' } });
    expect(applyMtimePolicy(buildroot, sources, clamp)).toEqual([{ ...sources[0], mtimeSeconds: epoch }]);
    expect(mtimeOf('text')).toBe(epoch);
  });

  it('keeps hard links within the buildroot together', () => {
    const { buildroot, sources, path, mtimeOf } = planted({
      'a.py': at(epoch + 5),
      'b.py': { hardLink: 'a.py' },
      'data/a': { hardLink: 'a.py' },
    });
    const before = lstatSync(path('a.py'));
    const after = applyMtimePolicy(buildroot, sources, clamp);
    expect(after.map(({ mtimeSeconds }) => mtimeSeconds)).toEqual([epoch, epoch]);
    for (const name of ['a.py', 'b.py', 'data/a']) {
      expect(lstatSync(path(name))).toMatchObject({ ino: before.ino, nlink: 3, mtimeMs: epoch * 1000 });
    }
    expect(mtimeOf('b.py')).toBe(epoch);
  });

  it('separates a source from its names outside the buildroot, which do not change', () => {
    const { buildroot, sources, path } = planted({
      'a.py': { content: 'x = 1\n', mtime: epoch + 5, mode: 0o4750 },
      'b.py': { hardLink: 'a.py' },
      '.hidden/[c]': { hardLink: 'a.py' },
    });
    const outside = join(temporaryDirectory(), 'outside.py');
    linkSync(path('a.py'), outside);
    const before = lstatSync(outside);
    const contents = contentsOf(buildroot.path);
    applyMtimePolicy(buildroot, sources, clamp);

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

  it('leaves a source hard-linked to the outside alone where its mtime is fine', () => {
    const { buildroot, sources, path } = planted({ 'a.py': at(epoch - 5) });
    linkSync(path('a.py'), join(temporaryDirectory(), 'outside.py'));
    const before = lstatSync(path('a.py'));
    expect(applyMtimePolicy(buildroot, sources, clamp)).toEqual(sources);
    expect(lstatSync(path('a.py'))).toEqual(before);
  });

  it('names the source whose mtime cannot be set', () => {
    const { buildroot, sources, path } = planted({ 'a.py': at(epoch + 5) });
    rmSync(path('a.py'));
    expect(() => applyMtimePolicy(buildroot, sources, clamp)).toThrow(
      expect.objectContaining({
        code: 'file-failed',
        exitStatus: 3,
        message: 'its mtime cannot be set (ENOENT)',
        path: path('a.py'),
      }),
    );
  });
});
