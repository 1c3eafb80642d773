import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pyclink } from './helpers/pyclink.ts';

it.each(['build', 'link', 'relink', 'verify', 'inspect'])('the man page has all options of %s', async (command) => {
  const page = readFileSync(join(import.meta.dirname, '../docs/man/pyclink.1'), 'utf8').replaceAll('\\-', '-');
  const { stdout } = await pyclink([command, '--help']);
  const options = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name = '']) => name);
  expect(options).toContain('--json');
  expect(options.filter((name) => !new RegExp(`${name}(?![a-z-])`).test(page))).toEqual([]);
});
