/** What a checkout of ostree does to mtimes: 0 for each file, but not for empty ones. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const library = `/usr/lib/python${systemPython.minor}/site-packages`;

describeWith(missingTools('ostree'), 'a tree with --mtime 0, in ostree', () => {
  const ways = ['build --mtime', 'restamp --mtime'].flatMap((way) =>
    ['', '-O', '-OO'].map((level) => ({ way, level })),
  );

  it.each(ways)('is loaded without compiling again, including empty modules ($way, $level)', async ({ way, level }) => {
    const buildroot = plantBuildroot({
      [`${library}/shop/__init__.py`]: '',
      [`${library}/shop/cart.py`]: 'x = 1\n',
      [`${library}/shop/sub/__init__.py`]: '',
    });
    const top = dirname(buildroot);
    const manifest = join(top, 'm.json');
    const tree = ['--buildroot', buildroot, '--manifest', manifest];
    const run = ['build', '-q', '--mtime', '0', ...tree];
    if (way.startsWith('restamp')) {
      expect(await pyclink(['build', '-q', ...tree])).toMatchObject({ status: 0 });
      expect(await pyclink(['restamp', '--mtime', '0', ...tree])).toMatchObject({ status: 0 });
      const { invalidationModes } = JSON.parse(readFileSync(manifest, 'utf8'));
      expect(invalidationModes).toEqual(['checked-hash', 'timestamp']);
    } else expect(await pyclink(run)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await pyclink(['verify', '--manifest', manifest, buildroot])).stdout).toContain('all as built');
    // What is built already is current.
    expect((await pyclink([...run, '--keep-current', '--json'])).stdout).toContain('"current": 3');
    const ostree = (...args: string[]) => execa('ostree', ['--repo=repo', ...args], { cwd: top });
    await ostree('init', '--mode=bare-user-only');
    await ostree('commit', '--branch=main', buildroot);
    await ostree('checkout', '-U', 'main', 'checkout');
    const checkout = join(top, 'checkout');
    expect(statSync(join(checkout, library, 'shop/cart.py')).mtimeMs).toBe(0);
    expect(statSync(join(checkout, library, 'shop/__init__.py')).mtimeMs).not.toBe(0);
    const script = `import sys; sys.path.insert(0, ${JSON.stringify(join(checkout, library))}); import shop.cart, shop.sub`;
    const { stderr } = await execa(systemPython.executable, [
      ...(level === '' ? [] : [level]),
      '-v',
      '-B',
      '-c',
      script,
    ]);
    for (const name of ['shop/__init__.py', 'shop/cart.py', 'shop/sub/__init__.py']) {
      expect(stderr).toContain(`matches ${join(checkout, library, name)}`);
    }
    expect(stderr).not.toContain('bytecode is stale');
  });
});
