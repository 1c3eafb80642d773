import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { contentsOf, everythingIn, linkGroupsIn, plant, temporaryDirectory } from '../../test/helpers/buildroot.ts';
import { pyclink, type RunOptions } from '../../test/helpers/pyclink.ts';
import { systemPython } from '../../test/helpers/pythons.ts';
import { stage } from './compileall.ts';
import { library } from './healthy.ts';

/** A new directory with a buildroot, a manifest and a cache. */
export function newPlace() {
  const work = temporaryDirectory();
  return { buildroot: join(work, 'buildroot'), manifest: join(work, 'manifest.json'), cache: join(work, 'cache') };
}
export type CachePlace = ReturnType<typeof newPlace>;

/** What a build without a cache, or with one, makes of the same sources. */
export async function built(template: string, place: CachePlace, flags: readonly string[], options: RunOptions = {}) {
  const { buildroot, manifest } = place;
  rmSync(buildroot, { recursive: true, force: true });
  await execa('cp', ['-a', template, buildroot]);
  const call = ['build', '--buildroot', buildroot, '--manifest', manifest, '--json', ...flags];
  const { status, stdout, stderr } = await pyclink(call, options);
  const { cache, skipped, warnings } = JSON.parse(stdout) as Record<string, unknown>;
  const result = {
    status,
    skipped,
    warnings,
    manifest: readFileSync(manifest, 'utf8'),
    contents: contentsOf(buildroot),
    links: linkGroupsIn(buildroot),
  };
  return { result, cache: cache as Record<string, unknown>, stderr };
}

/** A few sources of everything that matters to a cache. */
export function smallTemplate(): string {
  const template = join(temporaryDirectory(), 'template');
  stage(systemPython, join(template, library), ['json', 'wsgiref']);
  plant(template, {
    [`${library}/bad.py`]: 'def (\n',
    [`${library}/warned.py`]: 'x = 1 is 1\n',
    [`${library}/latin.py`]: Buffer.from('# coding: latin-1\nx = "\xe9"\n', 'latin1'),
    [`${library}/linked.py`]: { symlink: 'warned.py' },
    [`${library}/sub/linked.py`]: { symlink: '/usr/lib/nowhere.py' },
  });
  return template;
}

/** The files of all entries in the local store. */
export function entriesOf({ cache }: CachePlace): string[] {
  return everythingIn(cache)
    .filter((path) => /^v1\/..\/[0-9a-f]{64}$/.test(path))
    .map((path) => join(cache, path));
}
