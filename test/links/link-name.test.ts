import { spawn } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StagedPath } from '../../src/files/path.ts';
import type { ReadPyc } from '../../src/links/fingerprint.ts';
import { linkName, type NotLinked } from '../../src/links/link-name.ts';
import { writeLinked } from '../../src/links/write.ts';
import { everythingIn, linkGroupsIn, type Planted, plantBuildroot } from '../helpers/buildroot.ts';

/** A script that puts new files in the place of one, without end, and says when it has begun. */
const replaceAlways = `
const { renameSync, writeFileSync } = require('node:fs');
const [, path, another] = process.argv;
for (let i = 0; ; i++) {
  writeFileSync(another, 'another');
  renameSync(another, path);
  if (i === 0) require('node:fs').writeSync(1, 'begun');
}`;

function planted(files: Readonly<Record<string, Planted>>) {
  const root = plantBuildroot(files);
  return { root, path: (name: string) => join(root, name) as StagedPath };
}

const content = (text: string) => Buffer.from(text);

describe('linkName', () => {
  it('links nothing if the file was replaced after it was written', () => {
    const { root, path } = planted({ 'b.pyc': 'old' });
    const pyc = { path: path('a.pyc'), content: content('new'), mode: 0o644 };
    const [[written]] = writeLinked([pyc], true).groups as [[ReadPyc]];
    writeFileSync(path('new'), 'another');
    renameSync(path('new'), path('a.pyc'));
    expect(linkName(written, path('b.pyc'))).toEqual({ path: path('b.pyc'), reason: 'changed-meanwhile' });
    expect(linkGroupsIn(root)).toEqual([['a.pyc'], ['b.pyc']]);
    expect(readFileSync(path('b.pyc'), 'utf8')).toBe('old');
  });
  it.each([true, false])('links nothing if the file is missing; name free: %s', (isFree) => {
    const { root, path } = planted(isFree ? {} : { 'b.pyc': 'old' });
    const pyc = { path: path('a.pyc'), content: content('new'), mode: 0o644 };
    const [[written]] = writeLinked([pyc], true).groups as [[ReadPyc]];
    rmSync(path('a.pyc'));
    expect(linkName(written, path('b.pyc'), isFree ? 'nothing' : undefined)).toEqual({
      path: path('b.pyc'),
      reason: 'changed-meanwhile',
    });
    expect(everythingIn(root)).toEqual(isFree ? [] : ['b.pyc']);
  });

  it('never fails on a file that is being replaced repeatedly', async () => {
    const { root, path } = planted({});
    const pyc = { path: path('a.pyc'), content: content('new'), mode: 0o644 };
    const [[written]] = writeLinked([pyc], true).groups as [[ReadPyc]];
    const replacing = spawn(process.execPath, ['-e', replaceAlways, path('a.pyc'), path('another')]);
    await new Promise((resolve) => replacing.stdout.once('data', resolve));
    const results = Array.from({ length: 5_000 }, () => linkName(written, path('b.pyc')));
    replacing.kill();
    await new Promise((resolve) => replacing.once('exit', resolve));
    expect(new Set(results.map((result) => (result as NotLinked).reason))).toEqual(new Set(['changed-meanwhile']));
    expect(everythingIn(root).filter((name) => name !== 'another')).toEqual(['a.pyc']);
  });
});
