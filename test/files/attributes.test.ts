import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeWith, missingRoot, missingTools } from '../../integration/helpers/tools.ts';
import { attributesOf, copyAttributes, readAhead } from '../../src/files/attributes.ts';
import { rewriteFile } from '../../src/files/replace.ts';
import { lstat } from '../../src/files/stat.ts';
import { plantBuildroot } from '../helpers/buildroot.ts';

const acl = (path: string) => execFileSync('getfacl', ['-cpnE', path], { encoding: 'utf8' }).trim().split('\n');
const run = (command: string, ...args: string[]) => execFileSync(command, args);

describe('attributesOf', () => {
  it('is empty for plain files, whatever is in their names', () => {
    const names = ['a', 'b c', 'ä\n"', '$(x)'];
    const root = plantBuildroot(Object.fromEntries(names.map((name) => [name, 'text'])));
    expect(attributesOf(names.map((name) => join(root, name)))).toEqual(['', '', '', '']);
  });

  it('says which file cannot be read', () => {
    const root = plantBuildroot({ a: 'text' });
    const paths = ['a', 'gone', 'a/below'].map((name) => join(root, name));
    expect(attributesOf(paths)).toEqual(['', '', { unknown: 'ENOTDIR' }]);
  });

  it('answers about many files', () => {
    const root = plantBuildroot({ a: 'text' });
    expect(attributesOf(Array.from({ length: 20_000 }, () => join(root, 'a')))).toEqual(Array(20_000).fill(''));
  });
});

describe('readAhead', () => {
  it('answers in any order, also about files that an earlier question left out', () => {
    const root = plantBuildroot({});
    const paths = Array.from({ length: 2500 }, (_, i) => join(root, `${i}`));
    for (const path of paths) writeFileSync(path, '');
    const read = readAhead(paths);
    const asked = [[0, 1], [2], [1999, 998], [2499], [0, 2499]].map((numbers) =>
      numbers.map((i) => paths[i] as string),
    );
    expect(asked.map(read)).toEqual(asked.map((some) => some.map(() => '')));
  });
});

describeWith([...missingRoot(), ...missingTools('setfacl', 'setfattr')], 'attributes', () => {
  it('are reported with their values', () => {
    const root = plantBuildroot({ a: 'text', b: 'text', c: 'text', d: 'text' });
    const at = (name: string) => join(root, name);
    for (const name of ['a', 'b']) run('setfacl', '-m', 'u:12:r', at(name));
    run('setfattr', '-n', 'trusted.mark', '-v', 'one', at('c'));
    run('setfattr', '-n', 'trusted.mark', '-v', 'two', at('d'));
    const [a, b, c, d] = attributesOf(['a', 'b', 'c', 'd'].map(at));
    expect(a).toMatch(/^system\.posix_acl_access=[0-9a-f]+\n$/);
    expect([b, c, d]).toEqual([a, 'trusted.mark=6f6e65\n', 'trusted.mark=74776f\n']);
  });

  it('of the inode are ignored', () => {
    const root = plantBuildroot({ a: 'text' });
    run('setfattr', '-n', 'trusted.overlay.origin', '-v', 'x', join(root, 'a'));
    expect(attributesOf([join(root, 'a')])).toEqual(['']);
  });

  it('are copied, and others removed', () => {
    const root = plantBuildroot({ from: 'text', to: 'text' });
    const [from, to] = [join(root, 'from'), join(root, 'to')];
    run('setfacl', '-m', 'u:12:r', from);
    run('setfattr', '-n', 'trusted.mark', '-v', 'one', from);
    run('setfattr', '-n', 'trusted.other', '-v', 'two', to);
    copyAttributes(from, to);
    const [a, b] = attributesOf([from, to]);
    expect(b).toEqual(a);
  });

  it('are kept by a file that is rewritten, with the mask of its ACL', () => {
    const root = plantBuildroot({ a: { content: 'old', mode: 0o640 } });
    const path = join(root, 'a');
    run('setfacl', '-m', 'u:12:r,g::-,m::r', path);
    const before = acl(path);
    const { identity, ...stat } = lstat(path);
    const attributes = { ...stat, accessedSeconds: 1, modifiedSeconds: 1 };
    rewriteFile(path, Buffer.from('new'), attributes, (name) => lstat(name).identity === identity);
    expect(acl(path)).toEqual(before);
    expect(lstatSync(path).mode & 0o7777).toBe(0o640);
  });

  it('do not come from the directory of a file that is rewritten', () => {
    const root = plantBuildroot({ 'd/a': 'old' });
    const path = join(root, 'd/a');
    chmodSync(path, 0o640);
    run('setfacl', '-d', '-m', 'u:12:rw', join(root, 'd'));
    writeFileSync(join(root, 'd/b'), 'inherits');
    expect(acl(join(root, 'd/b'))).toContain('user:12:rw-');
    const { identity, ...stat } = lstat(path);
    const attributes = { ...stat, accessedSeconds: 1, modifiedSeconds: 1 };
    rewriteFile(path, Buffer.from('new'), attributes, (name) => lstat(name).identity === identity);
    expect(acl(path)).toEqual(['user::rw-', 'group::r--', 'other::---']);
  });
});
