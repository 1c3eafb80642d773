/** Builds with as many threads as there may be: the result is the same for any number. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contentsOf, linkGroupsIn, type Planted, plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { threadsOf } from './helpers/processes.ts';

const site = `/usr/lib/python${systemPython.minor}/site-packages`;

/** Enough for sixteen interpreters, and something of everything that is reported. */
function tree(): Record<string, Planted> {
  const body = (i: number) =>
    `"""Module ${i}."""\n${`def f(x):\n    assert x\n    return x + ${i}\n\n\n`.repeat(i % 7)}`;
  const modules = Array.from({ length: 900 }, (_, i) => [`${site}/p${i % 9}/m${i}.py`, body(i)] as const);
  const mtime = 1_600_000_000;
  const text = (content: string) => ({ content, mtime });
  return {
    ...Object.fromEntries(modules.map(([path, content]) => [path, text(content)])),
    [`${site}/bad.py`]: text('def (\n'),
    [`${site}/warned.py`]: text('x = 1 is 1\n'),
    [`${site}/linked.py`]: { symlink: 'p0/m0.py' },
    [`${site}/apart/m.py`]: text('x = 1\n'),
    [`${site}/apart/__pycache__`]: { symlink: '../p0' },
  };
}

async function built(buildroot: string, jobs: number, ...flags: string[]) {
  const manifest = join(buildroot, '../manifest.json');
  const call = ['build', '--buildroot', buildroot, '--manifest', manifest, '-j', `${jobs}`, '--json', ...flags];
  const { status, stdout, stderr } = await pyclink(call);
  const { seconds, manifest: _, buildroot: __, ...report } = JSON.parse(stdout) as Record<string, unknown>;
  return {
    status,
    report,
    stderr: stderr.replaceAll(buildroot, ''),
    manifest: readFileSync(manifest, 'utf8'),
    contents: contentsOf(buildroot),
    links: linkGroupsIn(buildroot),
  };
}

describe('the same build', () => {
  it.each([[[]], [['--no-normalize']], [['--no-link', '--invalidation-mode', 'checked-hash']]])(
    'has the same result for any number of threads (%j)',
    async (flags) => {
      const alone = await built(plantBuildroot(tree()), 1, ...flags);
      expect(alone.status).toBe(1);
      for (const jobs of [4, 16]) {
        const buildroot = plantBuildroot(tree());
        const first = await built(buildroot, jobs, ...flags);
        // compileall's own bytes depend on what the interpreter compiled before.
        if (flags[0] === '--no-normalize') {
          expect(Object.keys(first.contents as object)).toEqual(Object.keys(alone.contents as object));
        } else expect(first).toEqual(alone);
      }
    },
  );

  it('keeps current pycs in each of them', async () => {
    const buildroot = plantBuildroot(tree());
    const first = await built(buildroot, 16);
    const again = await built(buildroot, 16, '--keep-current');
    expect(again.report).toMatchObject({ current: 902 });
    expect(again.manifest).toBe(first.manifest);
  });

  it('uses threads for four interpreters and more', async () => {
    const [few, many] = [plantBuildroot(tree()), plantBuildroot(tree())];
    expect(await threadsOf(['build', '--buildroot', few, '-j', '3'])).toBeLessThan(
      await threadsOf(['build', '--buildroot', many, '-j', '12']),
    );
  });
});
