import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemDirectories } from '../../src/compile/system-directories.ts';
import { plant, temporaryDirectory } from '../helpers/buildroot.ts';

it('has the libraries beside whose directory is a program of their name, also a broken one', async () => {
  const top = temporaryDirectory();
  const libraries = ['good', 'broken', 'without'].map((name) => join(top, name, 'lib/python3.11'));
  plant(top, {
    'good/bin/python3.11': { content: '#!/bin/sh\n', mode: 0o755 },
    'broken/bin/python3.11': { symlink: 'nothing' },
  });
  const { directories } = await systemDirectories({}, libraries);
  expect(directories.filter((directory) => libraries.includes(directory))).toEqual(libraries.slice(0, 2).sort());
});
