import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { discover } from '../../src/buildroot/discover.ts';
import { openTree } from '../../src/buildroot/open.ts';
import { symlinksIn } from '../../src/buildroot/symlinks.ts';
import type { PayloadPath } from '../../src/files/path.ts';
import type { PycRecord } from '../../src/manifest/schema.ts';
import { planRemoval, removeSources } from '../../src/pipeline/remove-sources.ts';
import { encodePycHeader } from '../../src/pyc/header.ts';
import { sourceHash } from '../../src/pyc/source-hash.ts';
import { sha256Of } from '../../src/sha256.ts';
import { type Planted, plant, plantBuildroot } from '../helpers/buildroot.ts';

const magicNumber = 3495;
const pycOf = (text: string) => {
  const header = encodePycHeader({
    magicNumber,
    invalidationMode: 'unchecked-hash',
    sourceHash: sourceHash(magicNumber, Buffer.from(text)),
  });
  return Buffer.concat([header, Buffer.from('N')]);
};
const text = 'x = 1\n';

/** What becomes of `/app/m.py` with its pyc beside it. @param change what happens before it would be removed */
async function removed(change: Readonly<Record<string, Planted>>, recorded: Buffer = pycOf(text)) {
  const root = plantBuildroot({ 'app/m.py': text, 'app/m.pyc': pycOf(text), 'app/others.py': text });
  const buildroot = openTree(root);
  const { sources } = discover(buildroot, { paths: ['/app'], isExcluded: () => false });
  plant(root, change);
  const record = { source: '/app/m.py', paths: ['/app/m.pyc' as PayloadPath], sha256: sha256Of(recorded) };
  const done = await removeSources(buildroot, sources, [record as PycRecord]);
  expect(existsSync(join(root, 'app/m.py'))).toBe(done.removed.size === 0);
  expect(readFileSync(join(root, 'app/others.py'), 'utf8')).toBe(text);
  return { removed: [...done.removed], skipped: done.skipped };
}

describe('removeSources', () => {
  it('removes only a source with its pyc next to it', async () => {
    expect(await removed({})).toEqual({ removed: ['/app/m.py'], skipped: [] });
  });

  it.each([
    [
      'a symlink, and the file that it leads to',
      { 'm.py': text, 'alias.py': { symlink: 'm.py' } },
      ['is-symlink', 'is-target'],
    ],
    ['a script that is started by its name', { 'm.py': { content: '#!/bin/sh\n', mode: 0o755 } }, ['is-script']],
    ['a file whose pyc no import loads', { 'm.conf.py': text }, ['not-importable']],
  ])('keeps %s', (_, files, reasons) => {
    const root = plantBuildroot(files);
    const buildroot = openTree(root);
    const { sources } = discover(buildroot, { paths: ['/'], isExcluded: () => false });
    const made = sources.map(({ payload }) => ({ source: payload }));
    const { removable, kept } = planRemoval(sources, made, symlinksIn(buildroot, []));
    expect(removable).toEqual([]);
    expect(kept.map(({ reason }) => reason)).toEqual(reasons.map((reason) => `source-${reason}`));
  });

  it.each(['alias.py', 'bin/tool'])('keeps what the symlink %s leads to, even if it is excluded', (link) => {
    const buildroot = openTree(plantBuildroot({ 'm.py': text, 'other.py': text, [link]: { symlink: '/m.py' } }));
    const isExcluded = (_: string, payload: string) => payload === '/alias.py';
    const { sources } = discover(buildroot, { paths: ['/'], isExcluded });
    const made = sources.map(({ payload }) => ({ source: payload }));
    const { removable, kept } = planRemoval(sources, made, symlinksIn(buildroot, []));
    expect(removable.map(({ payload }) => payload)).toEqual(['/other.py']);
    expect(kept).toEqual([{ path: '/m.py', reason: 'source-is-target' }]);
  });

  it('leaves a source without such a pyc out of the plan', () => {
    const buildroot = openTree(plantBuildroot({ 'm.py': text }));
    const { sources } = discover(buildroot, { paths: ['/'], isExcluded: () => false });
    expect(planRemoval(sources, [], new Map())).toEqual({ removable: [], kept: [] });
  });

  it.each<[string, Readonly<Record<string, Planted>>, Buffer]>([
    ['was edited meanwhile', { 'app/m.py': 'x = 2\n' }, pycOf(text)],
    ['has a pyc that is not what was recorded', {}, pycOf('x = 2\n')],
    ['has a pyc that is not made of it', { 'app/m.pyc': pycOf('x = 2\n') }, pycOf('x = 2\n')],
    ['has a pyc that is cut', { 'app/m.pyc': 'x' }, Buffer.from('x')],
  ])('keeps one that %s', async (_, change, recorded) => {
    expect(await removed(change, recorded)).toEqual({
      removed: [],
      skipped: [{ path: '/app/m.py', reason: 'source-not-removed', message: 'it or its pyc changed during the build' }],
    });
  });
});
