import { linkSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeWhere, lackingAbilities } from '../../integration/helpers/tools.ts';
import type { StagedPath } from '../../src/files/path.ts';
import { type NewVersion, replaceTogether } from '../../src/files/replace-together.ts';
import { lstat, secondsOf } from '../../src/files/stat.ts';
import { everythingIn, plantBuildroot } from '../helpers/buildroot.ts';

function plantFour(): { readonly directory: string; readonly path: (name: string) => StagedPath } {
  const directory = plantBuildroot({ a: 'old a', b: { hardLink: 'a' }, 'sub/c': 'old c', d: 'old d' });
  return { directory, path: (name) => join(directory, name) as StagedPath };
}

/** Files with new contents. @param groups the names of each, with spaces between */
function versions(path: (name: string) => StagedPath, ...groups: readonly string[]): NewVersion[] {
  return groups.map((names) => {
    const paths = names.split(' ').map(path);
    const [first] = paths as [StagedPath];
    const old = lstat(first);
    const content = readFileSync(first);
    const seconds = secondsOf(old.modifiedNs);
    return {
      paths,
      oldContent: content,
      newContent: Buffer.from(content.toString().replace('old', 'new')),
      attributes: { ...old, accessedSeconds: seconds, modifiedSeconds: seconds },
      isStill: (name) => lstat(name).identity === old.identity && lstat(name).sizeBytes === old.sizeBytes,
    };
  });
}

const nothing = () => undefined;
const states = (directory: string) =>
  everythingIn(directory).map((name) => {
    const { ino, nlink, mtimeMs } = lstatSync(join(directory, name));
    return { name, ino, nlink, mtimeMs };
  });

describe('replaceTogether', () => {
  it('replaces all files, keeps times and links, and leaves nothing behind', () => {
    const { directory, path } = plantFour();
    const before = states(directory);
    expect(replaceTogether(versions(path, 'a b', 'sub/c', 'd'), nothing, nothing)).toBeUndefined();
    expect(['a', 'b', 'sub/c', 'd'].map((name) => readFileSync(path(name), 'utf8'))).toEqual([
      'new a',
      'new a',
      'new c',
      'new d',
    ]);
    expect(lstatSync(path('a')).ino).toBe(lstatSync(path('b')).ino);
    const facts = (all: typeof before) => all.map(({ name, nlink, mtimeMs }) => ({ name, nlink, mtimeMs }));
    const files = (all: typeof before) => facts(all).filter(({ name }) => name !== 'sub');
    expect(files(states(directory))).toEqual(files(before));
  });

  it('replaces nothing until commit has succeeded', () => {
    const { directory, path } = plantFour();
    const before = states(directory);
    const seen: string[] = [];
    const commit = () => {
      seen.push(...['a', 'b', 'sub/c', 'd'].map((name) => readFileSync(path(name), 'utf8')));
      return 'no';
    };
    const undone: string[] = [];
    const undo = () => void undone.push('undone') as undefined;
    expect(replaceTogether(versions(path, 'a b', 'sub/c', 'd'), commit, undo)).toEqual({ message: 'no' });
    expect(seen).toEqual(['old a', 'old a', 'old c', 'old d']);
    expect(undone).toEqual(['undone']);
    expect(states(directory).map(({ name, ino, nlink }) => [name, ino, nlink])).toEqual(
      before.map(({ name, ino, nlink }) => [name, ino, nlink]),
    );
  });

  it('restores everything if a file changes after the others were replaced', () => {
    const { directory, path } = plantFour();
    const [a, b] = [lstatSync(path('a')).ino, lstatSync(path('b')).ino];
    const undone: string[] = [];
    const commit = () => void writeFileSync(path('d'), 'something else') as undefined;
    const undo = () => void undone.push('undone') as undefined;
    expect(replaceTogether(versions(path, 'a b', 'sub/c', 'd'), commit, undo)).toEqual({
      path: path('d'),
      message: 'the file changed while it was read',
    });
    expect(undone).toEqual(['undone']);
    expect(['a', 'b', 'sub/c', 'd'].map((name) => readFileSync(path(name), 'utf8'))).toEqual([
      'old a',
      'old a',
      'old c',
      'something else',
    ]);
    expect([lstatSync(path('a')).ino, lstatSync(path('b')).ino]).toEqual([a, b]);
    expect(everythingIn(directory)).toEqual(['a', 'b', 'd', 'sub', 'sub/c']);
  });

  it('changes nothing if a file is not the one that was read', () => {
    const { directory, path } = plantFour();
    const files = versions(path, 'a b', 'd');
    linkSync(path('sub/c'), path('e'));
    execaSync('mv', [path('e'), path('d')]);
    const before = states(directory);
    const commit = () => expect.unreachable();
    expect(replaceTogether(files, commit, commit)).toEqual({
      path: path('d'),
      message: 'the file changed while it was read',
    });
    expect(states(directory).map(({ name, ino, nlink }) => [name, ino, nlink])).toEqual(
      before.map(({ name, ino, nlink }) => [name, ino, nlink]),
    );
  });
});

describeWhere(
  lackingAbilities('immutable files'),
  'replaceTogether, where a file becomes immutable at the last moment',
  () => {
    it('restores everything', () => {
      const { directory, path } = plantFour();
      const ino = lstatSync(path('a')).ino;
      onTestFinished(() => void execaSync('chattr', ['-i', path('d')]));
      const commit = () => void execaSync('chattr', ['+i', path('d')]) as undefined;
      expect(replaceTogether(versions(path, 'a b', 'd'), commit, nothing)).toEqual({
        path: path('d'),
        message: 'cannot be replaced (EPERM)',
      });
      expect(lstatSync(path('a'))).toMatchObject({ ino, nlink: 2 });
      expect(readFileSync(path('a'), 'utf8')).toBe('old a');
      // The backup of an immutable file cannot be removed: that is the same file.
      expect(everythingIn(directory).filter((name) => !name.startsWith('.pyclink-'))).toEqual([
        'a',
        'b',
        'd',
        'sub',
        'sub/c',
      ]);
    });
  },
);
