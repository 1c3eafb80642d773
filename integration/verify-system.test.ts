/** The manifest of a package, held against a whole system that has other packages too. */

import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { plant, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import {
  type Addition,
  add,
  additions,
  type Built,
  built,
  directory,
  healthy,
  library,
  payloads,
  plantEvil,
  saidBy,
  tag,
  verify,
} from './helpers/added-bytecode.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const site = `${library}/site-packages`;

/** The tree of the package, in a system with a package of eight pycs, two of them a single module's. */
async function system(): Promise<Built> {
  const tree = await built();
  const said = 'SAID = "other"\n';
  plant(tree.buildroot, {
    '/usr/lib/os-release': 'ID=debian\n',
    [`${site}/single.py`]: said,
    [`${library}/other/__init__.py`]: said,
    [`${library}/other/part/__init__.py`]: said,
    '/usr/share/tool/main.py': said,
  });
  const paths = [site, `${library}/other`, '/usr/share/tool'];
  const args = ['build', '-q', '--buildroot', tree.buildroot, '-o', '0', '-o', '1', ...paths];
  expect(await pyclink(args)).toMatchObject({ status: 0 });
  return tree;
}

const others = 'pyclink: 8 pycs of other packages in the system: not in the manifest, not verified\n';

/** What shadows modules of the build, and what lies on the way to them. */
const shadows: Readonly<Record<string, Addition>> = {
  'a module without a source beside a package': {
    pyc: `${library}/evil.pyc`,
    source: `${library}/evil.py`,
    module: 'evil',
  },
  'a package in a package': {
    pyc: `${directory}/a/b/__pycache__/evil.${tag}.pyc`,
    source: `${directory}/a/b/evil.py`,
    module: 'shop.a.b.evil',
    plant: { [`${directory}/a/b/evil.py`]: 'SAID = "good"\n' },
  },
  'a package instead of a module': {
    pyc: `${directory}/cart/__init__.pyc`,
    source: `${directory}/cart/__init__.py`,
    module: 'shop.cart',
  },
};

describe('verify of a whole system', () => {
  it('ignores the bytecode of other packages, and reports how much there is', async () => {
    const tree = await system();
    expect(await verify(tree)).toEqual({ ...healthy, stdout: others + healthy.stdout });
    const { others: count } = JSON.parse((await verify(tree, '--json', tree.buildroot)).stdout);
    expect(count).toBe(8);
  });

  const { 'a package beside that of the build': _, ...ownAdditions } = additions;
  it.each(Object.entries({ ...ownAdditions, ...shadows }))('names what was added: %s', async (_name, addition) => {
    const tree = await system();
    expect(await add(tree, addition)).toBe('evil');
    const { pyc, named = pyc } = addition;
    const { status, stdout } = await verify(tree);
    expect(stdout).toContain(`unrecorded: ${named}: `);
    expect(stdout).toContain(`${others}pyclink: 4 pycs, 2 link groups: 1 finding\n`);
    expect(status).toBe(1);
  });

  it('checks all bytecode of the tree of a package against the manifest', async () => {
    const tree = await built();
    expect(await add(tree, additions['a package beside that of the build'] as Addition)).toBe('evil');
    expect(await verify(tree)).toMatchObject({ status: 1, stdout: expect.stringMatching(/^unrecorded: .*\/other\//) });
  });

  it('finds what was added to packages of the running system too', async () => {
    const top = temporaryDirectory();
    const [manifest, app] = [join(top, 'manifest.json'), join(top, 'app')];
    plant(top, { 'app/shop.py': 'SAID = "built"\n', 'other/till.py': 'SAID = "other"\n' });
    const args = ['build', '-q', '--in-place', '-o', '0', app, '--manifest', manifest];
    expect(await pyclink(args, { env: { PATH: '/usr/bin:/bin' } })).toMatchObject({ status: 0 });
    const verifyAll = () => pyclink(['verify', '--manifest', manifest, '/']);
    expect(await verifyAll()).toMatchObject({ status: 0 });
    const tree: Built = { buildroot: '/', manifest, at: (path) => path, beside: (name) => join(top, name) };
    await plantEvil(tree, `${app}/evil.pyc`, `${app}/evil.py`);
    await plantEvil(tree, `${top}/other/evil.pyc`, `${top}/other/evil.py`);
    const { status, stdout } = await verifyAll();
    expect(stdout).toMatch(`unrecorded: ${app}/evil.pyc: it has no source, but Python loads it`);
    expect(stdout).toContain(': 1 finding\n');
    expect(status).toBe(1);
  });
});

describeWith(
  missingTools('dpkg-deb', 'umoci', 'rpmbuild'),
  'verify of other payloads with the files of a system',
  () => {
    const lines = (stdout: string) => stdout.split('\n').filter((line) => line.startsWith('unrecorded: '));

    it.each(Object.keys(payloads))('asks what kind of payload it is: %s', async (kind) => {
      const tree = await system();
      const { status, stdout } = await verify(tree, (await payloads[kind]?.(tree)) as string);
      const isSystem = kind === 'tree' || kind === 'image';
      expect(lines(stdout)).toHaveLength(isSystem ? 0 : 8);
      expect(status).toBe(isSystem ? 0 : 1);
      expect(stdout.includes(others)).toBe(isSystem);
    });

    it.each(Object.keys(payloads))('names the zip that Python has on its path: %s', async (kind) => {
      const tree = await built();
      const zip = `/usr/lib/python${systemPython.minor.replace('.', '')}.zip`;
      await plantEvil(tree, '/evil.pyc', '/evil.py');
      const script = 'import sys, zipfile; zipfile.ZipFile(sys.argv[1], "w").write(sys.argv[2], "evil.pyc")';
      await execa(systemPython.executable, ['-c', script, tree.at(zip), tree.at('/evil.pyc')]);
      await execa('rm', [tree.at('/evil.pyc')]);
      const said = await execa(systemPython.executable, ['-c', 'import sys; print(*sys.path, sep="\\n")']);
      expect(said.stdout.split('\n')).toContain(zip);
      expect(await saidBy({ ...tree, at: () => tree.at(zip) }, 'evil')).toBe('evil');
      const { status, stdout } = await verify(tree, (await payloads[kind]?.(tree)) as string);
      expect(lines(stdout)).toEqual([
        `unrecorded: ${zip}: Python searches it for every module, before all directories`,
      ]);
      expect(status).toBe(1);
    });
  },
);
