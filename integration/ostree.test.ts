/** What a checkout of ostree does to mtimes: 0 for each file, but not for empty ones. */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const library = `/usr/lib/python${systemPython.minor}/site-packages`;

describeWith(missingTools('ostree'), 'a tree with --mtime 0, in ostree', () => {
  it.each(['', '-O', '-OO'])('is loaded without compiling again, including empty modules (%s)', async (level) => {
    const buildroot = plantBuildroot({
      [`${library}/shop/__init__.py`]: '',
      [`${library}/shop/cart.py`]: 'x = 1\n',
      [`${library}/shop/sub/__init__.py`]: '',
    });
    const top = dirname(buildroot);
    const manifest = join(top, 'm.json');
    const run = ['build', '-q', '--mtime', '0', '--buildroot', buildroot, '--manifest', manifest];
    expect(await pyclink(run)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await pyclink(['verify', '--manifest', manifest, buildroot])).stdout).toContain('all as built');
    // What is built already is current.
    expect((await pyclink([...run, '--keep-current', '--json'])).stdout).toContain('"current": 3');
    const ostree = (...args: string[]) => execa('ostree', ['--repo=repo', ...args], { cwd: top });
    await ostree('init', '--mode=bare-user-only');
    await ostree('commit', '--branch=main', buildroot);
    await ostree('checkout', '-U', 'main', 'checkout');
    const tree = join(top, 'checkout');
    expect(statSync(join(tree, library, 'shop/cart.py')).mtimeMs).toBe(0);
    expect(statSync(join(tree, library, 'shop/__init__.py')).mtimeMs).not.toBe(0);
    const script = `import sys; sys.path.insert(0, ${JSON.stringify(join(tree, library))}); import shop.cart, shop.sub`;
    const { stderr } = await execa(systemPython.executable, [
      ...(level === '' ? [] : [level]),
      '-v',
      '-B',
      '-c',
      script,
    ]);
    for (const name of ['shop/__init__.py', 'shop/cart.py', 'shop/sub/__init__.py']) {
      expect(stderr).toContain(`matches ${join(tree, library, name)}`);
    }
    expect(stderr).not.toContain('bytecode is stale');
  });
});
