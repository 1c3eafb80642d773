import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { absolutePath } from '../../src/files/absolute-path.ts';
import { plantBuildroot } from '../helpers/buildroot.ts';

it.each([
  ['x', 'x'],
  ['link', 'link'],
  ['link/x', 'link/x'],
  ['link/../x', 'a/b/x'],
  ['link/../x/../y', 'a/b/x/../y'],
  ['link/../../link', 'a/link'],
  ['./link//..', 'a/b'],
  ['a/../x', 'x'],
  ['gone/../x', 'x'],
  ['..x', '..x'],
])('%s is %s', (given, expected) => {
  const root = plantBuildroot({ 'a/b/c': { directory: true }, link: { symlink: 'a/b/c' }, 'a/b/x/y': '' });
  const path = join(root, expected);
  expect(absolutePath(`${root}/${given}`)).toBe(path);
  expect(absolutePath(`${relative('.', root)}/${given}`)).toBe(path);
});
