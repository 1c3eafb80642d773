/** The interpreter is another one from its second start on: no worker of it compiles anything, however it was started. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { everythingIn, plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { allPythons, type RealPython, systemPython } from '../test/helpers/pythons.ts';
import { entriesOf, newPlace } from './helpers/cached-build.ts';
import { library } from './helpers/healthy.ts';

const found = allPythons.find(({ cacheTag }) => cacheTag !== systemPython.cacheTag);
const other = found as RealPython;

/** A command that starts this interpreter once, and otherwise the other. */
function exchangedPython(): string {
  const [python, once] = ['python', 'once'].map((name) => join(temporaryDirectory(), name)) as [string, string];
  const script = `#!/bin/sh\nmkdir ${once} 2>/dev/null && exec ${systemPython.executable} "$@"\nexec ${other.executable} "$@"\n`;
  writeFileSync(python, script, { mode: 0o755 });
  return python;
}

/** Enough for this many workers. */
function plantLarge(workers: number): string {
  const text = (i: number) => `x = ${i}\n${'# a comment\n'.repeat(18_000)}`;
  return plantBuildroot(
    Object.fromEntries(Array.from({ length: workers }, (_, i) => [`${library}/m${i}.py`, text(i)] as const)),
  );
}

function pycsIn(buildroot: string): string[] {
  return everythingIn(buildroot).filter((path) => path.endsWith('.pyc'));
}

function magicNumberOf(buildroot: string, path: string): number {
  return readFileSync(join(buildroot, path)).readUInt16LE(0);
}

describe.skipIf(found === undefined)('an interpreter that changes during the build', () => {
  it.each([
    ['one of the first workers', 2, []],
    ['a worker of a thread', 8, []],
    ['a worker of a thread, in a dearth of jobs', 8, ['--keep-current']],
  ])('as %s: the run ends with status 3, and leaves nothing behind', async (_, workers, flags) => {
    const [buildroot, place] = [plantLarge(workers), newPlace()];
    const python = exchangedPython();
    const call = ['build', '-q', '--buildroot', buildroot, '--cache-dir', place.cache, library];
    const manifest = ['--manifest', place.manifest];
    const ran = await pyclink([...call, ...flags, ...manifest, '--python', python, '-j', `${workers}`]);
    // Of two that are started at the same time either may be the first.
    const isOther = ran.stderr.includes(`was Python ${other.version}`);
    const [first, later] = isOther ? [other, systemPython] : [systemPython, other];
    expect(ran).toEqual({
      status: 3,
      stdout: '',
      stderr: expect.stringContaining(
        `pyclink: error: ${python}: the interpreter changed during the build: ` +
          `it is Python ${later.version} now, and was Python ${first.version} at first\n`,
      ),
    });
    expect(everythingIn(join(place.manifest, '..'))).not.toContain('manifest.json');
    expect(pycsIn(buildroot).filter((path) => !path.includes(first.cacheTag))).toEqual([]);
    expect(new Set(pycsIn(buildroot).map((path) => magicNumberOf(buildroot, path))).size).toBeLessThanOrEqual(1);
    // Workers of the first one may have compiled something.
    const stored = entriesOf(place).length;
    const verified = await pyclink([...call, '--python', first.executable, '--cache-verify', '--json']);
    expect(JSON.parse(verified.stdout)).toMatchObject({ cache: { verified: stored, corrupt: 0 } });
    const theirs = await pyclink([...call, '--python', later.executable, '--json']);
    expect(JSON.parse(theirs.stdout)).toMatchObject({ cache: { local: 0 } });
  });
});
