/** What pyclink builds, audit finds nothing wrong with: debs and rpms of the tests' source packages. */
import { expect, it } from 'vitest';
import { pyclink } from '../test/helpers/pyclink.ts';
import { buildPackages, debianTools, rules } from './helpers/debian.ts';
import { describeRpm, rpmbuild, site } from './helpers/rpm.ts';
import { describeWith } from './helpers/tools.ts';

async function expectSound(files: readonly string[]): Promise<void> {
  const { status, stdout } = await pyclink(['audit', ...files]);
  expect(stdout).toContain('pyclink: nothing wrong\n');
  expect(stdout).not.toContain('no pycs found');
  expect(status).toBe(0);
}

describeWith(debianTools, 'debs with pyclink', () => {
  it('have no findings', async () => {
    await expectSound(Object.values((await buildPackages(rules.addon)).debs));
  });
});

describeRpm('rpms with pyclink', () => {
  it('have no findings', async () => {
    const plant = { [`${site}/shop/__init__.py`]: '', [`${site}/shop/till.py`]: 'def pay(total):\n    assert total\n' };
    await expectSound((await rpmbuild({ plant })).rpms);
  });
});
