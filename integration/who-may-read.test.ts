/** No more users may read a pyc that link has seen than its source. What build writes: modes.test.ts. */
import { chmodSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { library, pycsOf, quietBuild } from './helpers/healthy.ts';

const modes = [0o600, 0o640, 0o604, 0o644];
const sourceOf = (mode: number) => `${library}/m${mode.toString(8)}.py`;
const pycs = modes.flatMap((mode) => pycsOf(sourceOf(mode)));

/** A buildroot with a source of each mode. */
function planted() {
  const content = (mode: number) => `"""Docs."""\nx = ${mode}\n`;
  const buildroot = plantBuildroot(
    Object.fromEntries(modes.map((mode) => [sourceOf(mode), { content: content(mode), mode }])),
  );
  return {
    buildroot,
    setModes: (paths: readonly string[], mode: number) => {
      for (const path of paths) chmodSync(join(buildroot, path), mode);
    },
    modesOf: () => pycs.map((path) => (lstatSync(join(buildroot, path)).mode & 0o777).toString(8)),
  };
}

const expected = modes.flatMap((mode) => [mode, mode, mode].map((one) => one.toString(8)));

it.each([[[]], [['--normalize']]])('are narrowed by link %j, with a warning', async (flags) => {
  const { buildroot, setModes, modesOf } = planted();
  await pyclink(quietBuild(buildroot, '--no-link', '--no-normalize'));
  setModes(pycs, 0o644);
  const link = (...more: string[]) => pyclink(['link', '--buildroot', buildroot, ...flags, ...more]);
  const warning = 'pyclink: warning: 9 pycs readable by more users than their sources:';
  expect((await link('--dry-run')).stderr).toBe(`${warning} their modes would be narrowed\n`);
  expect(new Set(modesOf())).toEqual(new Set(['644']));
  const { status, stdout, stderr } = await link();
  expect({ status, stderr }).toEqual({ status: 0, stderr: `${warning} modes narrowed\n` });
  expect(stdout).toContain(', 4 links made, ');
  expect(modesOf()).toEqual(expected);
  expect((await link()).stderr).toBe('');
});
