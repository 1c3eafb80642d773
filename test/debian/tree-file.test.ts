import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addToTree, editInTree } from '../../src/debian/tree-file.ts';
import { plantBuildroot } from '../helpers/buildroot.ts';

const file = '/usr/share/lintian/overrides/shop';

describe('addToTree', () => {
  it('makes the file and its directories, and adds each line once', () => {
    const tree = plantBuildroot({ usr: { directory: true } });
    addToTree(tree, file, 'one\n');
    addToTree(tree, file, 'one\ntwo\n');
    expect(readFileSync(tree + file, 'utf8')).toBe('one\ntwo\n');
    expect(readdirSync(join(tree, 'usr/share/lintian/overrides'))).toEqual(['shop']);
  });

  it('keeps the bytes of lines that are not UTF-8, and a line without an end', () => {
    const tree = plantBuildroot({ 'usr/share/lintian/overrides': { directory: true } });
    writeFileSync(tree + file, 'caf\xe9', 'latin1');
    addToTree(tree, file, 'caf\u00e9\n');
    expect(readFileSync(tree + file, 'latin1')).toBe('caf\xe9\ncaf\xc3\xa9\n');
  });

  it('follows symlinks in the tree as on the installed system', () => {
    const tree = plantBuildroot({ 'usr/share': { directory: true }, 'opt/lintian': { directory: true } });
    symlinkSync('/opt/lintian', join(tree, 'usr/share/lintian'));
    addToTree(tree, file, 'one\n');
    expect(readFileSync(join(tree, 'opt/lintian/overrides/shop'), 'utf8')).toBe('one\n');
  });

  it.each(['usr', 'usr/share/lintian', 'usr/share/lintian/overrides/shop'])(
    'refuses to write through %s, a symlink out of the tree',
    (link) => {
      const outside = plantBuildroot({ 'share/lintian/overrides': { directory: true }, shop: 'outside' });
      const tree = plantBuildroot({});
      mkdirSync(join(tree, link, '..'), { recursive: true });
      symlinkSync(link.endsWith('shop') ? join(outside, 'shop') : outside, join(tree, link));
      expect(() => addToTree(tree, file, 'one\n')).toThrow('is a symlink whose target is not in the package');
      expect(readFileSync(join(outside, 'shop'), 'utf8')).toBe('outside');
      expect(readdirSync(outside).sort()).toEqual(['share', 'shop']);
      expect(readdirSync(join(outside, 'share/lintian/overrides'))).toEqual([]);
    },
  );
});

describe('editInTree', () => {
  it('removes a file that is empty then, and the directories that only held it', () => {
    const tree = plantBuildroot({ 'usr/bin/shop': '', 'usr/share/lintian/overrides/shop': 'one\n' });
    editInTree(tree, file, () => '');
    expect(readdirSync(join(tree, 'usr'))).toEqual(['bin']);
  });

  it('leaves what a symlink leads to outside the tree', () => {
    const outside = plantBuildroot({ 'overrides/shop': 'outside' });
    const tree = plantBuildroot({ 'usr/share': { directory: true } });
    symlinkSync(outside, join(tree, 'usr/share/lintian'));
    editInTree(tree, file, () => '');
    expect(readFileSync(join(outside, 'overrides/shop'), 'utf8')).toBe('outside');
  });

  it('does nothing if there is no such file', () => {
    const tree = plantBuildroot({ usr: { directory: true } });
    editInTree(tree, file, () => 'text');
    expect(readdirSync(join(tree, 'usr'))).toEqual([]);
  });
});
