/** `--errors warn` is about sources: what the system refuses is exit status 1 all the same. */
import { chmodSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { expectCompiled, healthyText, library, pycsOf, quietBuild } from './helpers/healthy.ts';
import { missingRoot } from './helpers/tools.ts';

const [good, bad] = [`${library}/good/m.py`, `${library}/bad/m.py`];

/** What an ordinary user finds: a sound source, and a bad one. */
function planted(text: string): string {
  const buildroot = plantBuildroot({
    [good]: healthyText,
    [bad]: text,
    [`${library}/bad/__pycache__`]: { directory: true },
  });
  for (const path of [good, bad]) chownSync(join(buildroot, path, '..'), 65_534, 65_534);
  chmodSync(join(buildroot, '..'), 0o755);
  return buildroot;
}

const refusals: Readonly<Record<string, readonly [(buildroot: string) => unknown, string]>> = {
  'a source that may not be read': [
    (buildroot) => chmodSync(join(buildroot, bad), 0),
    'cannot be read\n    PermissionError: ',
  ],
  'a directory that may not be listed': [
    (buildroot) => chmodSync(join(buildroot, bad, '..'), 0o311),
    'cannot be listed',
  ],
  'a __pycache__ that may not be written': [
    (buildroot) => chmodSync(join(buildroot, bad, '../__pycache__'), 0o555),
    'its pycs cannot be written\n    EACCES: permission denied\n',
  ],
  'a fifo in the place of a pyc': [
    (buildroot) => execa('mkfifo', [join(buildroot, pycsOf(bad)[0] as string)]),
    'pyc not written: its path exists and is not a regular file\n    a fifo, a socket or a device\n',
  ],
};

const asUser = { uid: 65_534 };

test.skipIf(missingRoot().length > 0).each(Object.entries(refusals))(
  '%s is a problem with --errors warn and --allow-errors too',
  async (_, [spoil, said]) => {
    const buildroot = planted(healthyText);
    await spoil(buildroot);
    for (const more of [
      ['--errors', 'warn'],
      ['--allow-errors', '**'],
    ]) {
      const ran = await pyclink(quietBuild(buildroot, ...more), asUser);
      expect(ran.stderr).toContain(said);
      expect(ran.status).toBe(1);
    }
    const env = { RPM_BUILD_ROOT: buildroot };
    expect((await pyclink(['brp', 'bytecompile', '', '', '0'], { ...asUser, env })).status).toBe(1);
    await expectCompiled(buildroot, good);
  },
);

test.each([
  ['a source that does not compile', bad, 'def (\n', 'does not compile'],
  ['a source without an interpreter', '/usr/lib/python3.77/m.py', healthyText, 'its interpreter is missing'],
])('%s is a warning with --errors warn', async (_, path, text, said) => {
  const buildroot = plantBuildroot({ [good]: healthyText, [path]: text });
  const ran = await pyclink(quietBuild(buildroot, '--errors', 'warn'));
  expect(ran.stderr).toContain(`pyclink: warning: ${path}: ${said}\n`);
  expect(ran.status).toBe(0);
  await expectCompiled(buildroot, good);
});
