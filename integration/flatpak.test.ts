/** The module for Flatpak in docs/images.md, in a real flatpak-builder, with a runtime made of this machine's files. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { linkGroupsIn, plant } from '../test/helpers/buildroot.ts';
import { bundle, pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { blocksOf } from './helpers/images-page.ts';
import { describeWhere, describeWith, lackingAbilities, missingTools } from './helpers/tools.ts';
import { loadedFiles, pycSuffixes } from './helpers/verbose-imports.ts';

const { minor, library, executable, cacheTag } = systemPython;
const site = `lib/python${minor}/site-packages`;
const [moduleOnPage = '', commands = ''] = blocksOf('Flatpak');
const [build = '', verify = '', audit = ''] = commands.split('\n');

/** A runtime that is an SDK too: a shell, Python and pyclink, with the libraries that they need. */
const makeRuntime = `
mkdir -p sdk/files sdk/usr/bin sdk/usr/lib/python${minor} sdk/usr/share/pyclink
ln -s lib sdk/usr/lib64
cp -L ${executable} sdk/usr/bin/python${minor}
ln -s python${minor} sdk/usr/bin/python3
cp ${dirname(bundle)}/*.cjs ${dirname(bundle)}/*.py sdk/usr/share/pyclink
cp ${process.execPath} sdk/usr/share/pyclink/node
for tool in sh cp mkdir touch; do cp -L /usr/bin/$tool sdk/usr/bin/; done
for file in sdk/usr/bin/* sdk/usr/share/pyclink/node; do ldd $file; done | grep -o '/lib[^ ]*' | sort -u |
while read -r file; do cp -L --parents $file sdk/usr/; done
# Debian's Node.js reads parts of itself from there.
for file in sdk/usr/share/pyclink/node $(find sdk/usr/lib -name 'libnode*'); do
  grep -aoE '/usr/share/nodejs/[A-Za-z0-9_./-]+[.]js' $file || :
done | sort -u | while read -r file; do cp -L --parents $file sdk/; done
cp -rL ${library}/. sdk/usr/lib/python${minor}/
cd sdk/usr/lib/python${minor}
rm -rf test config-* sitecustomize.py dist-packages asyncio curses distutils email ensurepip html http idlelib lib2to3 \\
  multiprocessing pydoc_data sqlite3 tkinter turtledemo unittest wsgiref xml xmlrpc
find . -name __pycache__ -prune -exec rm -r {} +
`;

/** Installs the runtime for this user, whose installation is in a directory of the test. */
const installRuntime = `
ostree init --repo=repo --mode=bare-user-only
flatpak build-export --runtime repo sdk 1
flatpak --user remote-add --no-gpg-verify test repo
flatpak --user install -y --noninteractive test org.example.Sdk//1
`;

const lacking = missingTools('flatpak-builder', 'flatpak', 'ostree');

describeWith(lacking, 'an application of Flatpak', () => {
  describeWhere(lacking.length > 0 ? [] : lackingAbilities('namespaces', 'FUSE'), 'built in a sandbox', () => {
    let top: string;
    const sh = async (script: string, cwd = top) => {
      const env = {
        ...{ PATH: `${top}/bin:/usr/bin:/bin:/usr/sbin`, HOME: top, FLATPAK_USER_DIR: `${top}/user` },
        ...{ XDG_DATA_HOME: `${top}/data`, XDG_CACHE_HOME: `${top}/cache`, XDG_RUNTIME_DIR: `${top}/run` },
      };
      return (await execa('sh', ['-e', '-c', script], { cwd, env, extendEnv: false, all: true })).all;
    };

    beforeAll(async () => {
      top = realpathSync(mkdtempSync(join(tmpdir(), 'pyclink-flatpak-')));
      const id = `org.example.Sdk/${await sh('flatpak --default-arch')}/1`;
      plant(top, {
        'sdk/metadata': `[Runtime]\nname=org.example.Sdk\nruntime=${id}\nsdk=${id}\n`,
        run: { directory: true },
        'bin/pyclink': { content: `#!/bin/sh\nexec ${process.execPath} ${bundle} "$@"\n`, mode: 0o755 },
      });
      await sh(makeRuntime);
      const [manifest, usr] = [join(top, 'sdk.json'), join(top, 'sdk/usr')];
      const call = ['build', '-q', '--buildroot', usr, '--prepend', '/usr', '--mtime', '0', '--manifest', manifest];
      expect(await pyclink(call)).toEqual({ status: 0, stdout: '', stderr: '' });
      await sh(installRuntime);
    });

    afterAll(() => rmSync(top, { recursive: true, force: true }));

    /**
     * Builds an application of two modules. @param last the second
     * @returns what flatpak-builder says, and the directory in which it built
     */
    async function application(name: string, last: unknown) {
      const directory = join(top, name);
      const install = [`mkdir -p $FLATPAK_DEST/${site}`, `cp -r shop $FLATPAK_DEST/${site}/`];
      const shop = {
        name: 'shop',
        buildsystem: 'simple',
        'build-commands': install,
        sources: [{ type: 'dir', path: 'src' }],
      };
      const sdk = { runtime: 'org.example.Sdk', 'runtime-version': '1', sdk: 'org.example.Sdk' };
      plant(directory, {
        'shop.json': JSON.stringify({ 'app-id': `org.example.${name}`, ...sdk, modules: [shop, last] }),
        pyclink: {
          content: '#!/bin/sh\nexec /usr/share/pyclink/node /usr/share/pyclink/pyclink.cjs "$@"\n',
          mode: 0o755,
        },
        'src/shop/__init__.py': '',
        'src/shop/cart.py': 'def pay(sum):\n    """Docs."""\n    assert sum\n',
        'src/shop/till.py': 'import json\ntotal = 0\n',
      });
      const said = await sh(build.replace(' ', ' --user --repo=../repo '), directory);
      return { directory, said };
    }

    /** What Python says in the installed application. */
    const imported = (name: string, options: readonly string[]) =>
      sh(`flatpak run --user --command=python3 org.example.${name} ${options.join(' ')} -v -B -c '
import sys; sys.path.insert(0, "/app/${site}"); import shop.cart, shop.till'`);

    it('is loaded from pycs at each level, with those of the runtime, and is as built', async () => {
      const { directory, said } = await application('Shop', JSON.parse(moduleOnPage));
      expect(said).not.toMatch(/Fixed up|Removing stale/);
      await sh('flatpak --user install -y --noninteractive test org.example.Shop');
      const installed = join(top, 'user/app/org.example.Shop/current/active/files');
      for (const [options, suffix] of pycSuffixes) {
        const loaded = loadedFiles(await imported('Shop', options));
        expect(loaded.filter((path) => !path.endsWith(`.${cacheTag}${suffix}`))).toEqual([]);
        const own = ['__init__', 'cart', 'till'].map(
          (name) => `/app/${site}/shop/__pycache__/${name}.${cacheTag}${suffix}`,
        );
        expect(loaded).toEqual(
          expect.arrayContaining([...own, `/usr/lib/python${minor}/json/__pycache__/__init__.${cacheTag}${suffix}`]),
        );
      }
      expect(await sh(verify, directory)).toBe('pyclink: 9 pycs, 2 link groups: all as built');
      expect(await sh(audit, directory)).toMatch(/^pyclink: nothing wrong$/m);
      expect(await sh(audit.replace('shop/files', installed))).toMatch(/^pyclink: nothing wrong$/m);
      expect(linkGroupsIn(installed).map((group) => group.length)).toEqual([3, 1, 1, 1, 3]);
    });

    it('needs the option --mtime: flatpak-builder sets level 0 alone, where it fits', async () => {
      const { name, sources, ...other } = JSON.parse(moduleOnPage);
      const [line] = other['build-commands'];
      const touch = (module: string) => `touch -d @1000000000 $FLATPAK_DEST/${site}/shop/${module}.py`;
      // cart.py as if this module had installed it; till.py is changed after it was compiled.
      const commands = [touch('cart'), line.replace(' --mtime 0', ''), touch('till')];
      const { said } = await application('Stale', { ...other, name, sources, 'build-commands': commands });
      const files = (message: string) =>
        Array.from(said.matchAll(new RegExp(`^${message}.*/(\\S+)$`, 'gm')), ([, file]) => file).sort();
      const level0 = (module: string) => `${module}.${cacheTag}.pyc`;
      expect(files('Fixed up header mtime for')).toEqual([level0('__init__'), level0('cart')]);
      expect(files('Removing stale python bytecode file')).toEqual([level0('till')]);
      await sh('flatpak --user install -y --noninteractive test org.example.Stale');
      for (const [options, suffix] of pycSuffixes) {
        const loaded = loadedFiles(await imported('Stale', options)).filter((path) => path.startsWith('/app/'));
        const [cart, till] = ['cart', 'till'].map((module) => `__pycache__/${module}.${cacheTag}${suffix}`);
        const own = suffix === '.pyc' ? [cart, 'till.py'] : ['cart.py', till];
        expect(loaded).toEqual(['__init__.py', ...own].map((path) => `/app/${site}/shop/${path}`));
      }
    });
  });
});
