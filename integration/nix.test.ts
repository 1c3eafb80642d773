/** The line for Nix in docs/other-systems.md, in a derivation that a real Nix builds into a store of its own. */
import { chmodSync, lstatSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa, execaSync } from 'execa';
import { expect, it, onTestFinished } from 'vitest';
import { everythingIn, linkGroupsIn, plant, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { bundle, pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeWhere, describeWith, lackingAbilities, missingTools } from './helpers/tools.ts';
import { loadedFiles, pycSuffixes } from './helpers/verbose-imports.ts';

const healthy = { status: 0, stdout: 'pyclink: 12 pycs, 3 link groups: all as built\n', stderr: '' };
const site = `lib/python${systemPython.minor}/site-packages`;
const page = readFileSync(join(import.meta.dirname, '../docs/other-systems.md'), 'utf8');
const [, line = ''] = /^\| Nix \|[^|]*\| `([^`]+)`/m.exec(page) ?? [];

/** Nix without stdenv, which it cannot download here: a shell that runs postFixup at the end, with stdenv's variables. */
const derivation = `derivation {
  name = "shop";
  system = builtins.currentSystem;
  outputs = [ "out" "proof" ];
  builder = "/bin/sh";
  SOURCE_DATE_EPOCH = "315532800";
  HOME = "/homeless-shelter";
  PATH = builtins.getEnv "PATH";
  postFixup = ''${line}'';
  args = [ "-e" "-c" ''
    mkdir -p $out/${site}/shop
    cd $out/${site}/shop
    : > __init__.py
    echo 'total = 0' > till.py
    echo 'name = "till"' > names.py
    printf 'def pay(sum):\\n    """Docs."""\\n    assert sum\\n' > cart.py
    eval "$postFixup"
  '' ];
}
`;

/** A store with the package in it. @param options of nix-build */
async function builtPackage(options = '', recipe = derivation) {
  const top = temporaryDirectory();
  // Nix makes what is in its store read-only.
  onTestFinished(() => void execaSync('chmod', ['-R', 'u+w', top]));
  const configuration = 'sandbox = false\nbuild-users-group =\nsubstitute = false\n';
  plant(top, {
    'bin/pyclink': `#!/bin/sh\nexec ${process.execPath} ${bundle} "$@"\n`,
    'shop.nix': recipe,
    'etc/nix.conf': configuration,
  });
  chmodSync(join(top, 'bin/pyclink'), 0o755);
  const env = {
    ...{ PATH: `${top}/bin:/usr/bin:/bin`, HOME: top, NIX_CONF_DIR: `${top}/etc`, NIX_STORE_DIR: `${top}/store` },
    ...{ NIX_STATE_DIR: `${top}/var`, NIX_LOG_DIR: `${top}/log` },
  };
  const sh = (script: string) => execa('sh', ['-e', '-c', script], { cwd: top, env, extendEnv: false });
  await sh(`nix-build shop.nix -A all ${options}`);
  const [out, manifest] = [realpathSync(join(top, 'result')), realpathSync(join(top, 'result-proof/pyclink.json'))];
  const verify = (...targets: string[]) => pyclink(['verify', '--manifest', manifest, ...targets]);
  return { top, out, manifest, sh, verify };
}

/** How many names each file among the pycs has in the package. */
const linksIn = (out: string) => linkGroupsIn(out).map((group) => group.length);

describeWith(missingTools('nix-build'), 'a package of Nix', () => {
  it('is loaded from the store at each level, and is as built for Nix, verify and audit', async () => {
    const { out, sh, verify } = await builtPackage();
    const modules = join(out, site, 'shop');
    for (const path of everythingIn(out)) expect([path, lstatSync(join(out, path)).mtimeMs]).toEqual([path, 1000]);
    expect(await verify('/')).toEqual(healthy);
    expect(await verify(out)).toEqual(healthy);
    expect(await pyclink(['audit', out])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('nothing wrong'),
    });
    for (const [options, suffix] of pycSuffixes) {
      const script = `import sys; sys.path.insert(0, '${join(out, site)}'); import shop.cart, shop.names, shop.till`;
      const { stderr } = await execa(systemPython.executable, [...options, '-v', '-B', '-c', script]);
      const pycs = ['__init__', 'cart', 'names', 'till'].map((name) => `${name}.${systemPython.cacheTag}${suffix}`);
      const loaded = loadedFiles(stderr).filter((path) => path.startsWith(out));
      expect(loaded).toEqual(pycs.map((name) => join(modules, '__pycache__', name)));
    }
    const { stderr } = await sh('nix-store --verify --check-contents');
    expect(stderr).not.toMatch(/error|warning|modified/);
  });

  it('keeps its links in nix-store --optimise, and gets them back after an archive', async () => {
    const { out, manifest, sh, verify } = await builtPackage();
    const links = linksIn(out);
    expect(links).toEqual([3, 1, 1, 1, 3, 3]);
    await sh('nix-store --optimise');
    expect(linksIn(out)).toEqual(links);
    expect(await verify('/')).toEqual(healthy);
    // As from a binary cache: an archive of Nix (NAR) has no links.
    const paths = `${out} $(dirname ${manifest})`;
    const again = (options = '') =>
      sh(`
        [ -e shop.nar ] || nix-store --export ${paths} > shop.nar
        rm -f result*; nix-store --delete ${paths}; nix-store ${options} --import < shop.nar`);
    await again();
    expect(linksIn(out)).toEqual(links.flatMap((count) => Array.from({ length: count }, () => 1)));
    expect((await verify('/')).stdout.match(/^unlinked: /gm)).toHaveLength(6);
    await sh('nix-store --optimise');
    expect(linksIn(out)).toEqual(links);
    expect(await verify('/')).toEqual(healthy);
    await again('--option auto-optimise-store true');
    expect(linksIn(out)).toEqual(links);
    expect(await verify('/')).toEqual(healthy);
    await sh('nix-store --verify --check-contents');
  });

  it('loses its links, and does not fit its manifest, if it is content-addressed', async () => {
    const addressed = '__contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256";';
    const recipe = derivation.replace('derivation {', `$& ${addressed}`);
    const { out, sh, verify } = await builtPackage('--option experimental-features ca-derivations', recipe);
    expect((await verify('/')).stdout.match(/^damaged: .*: SHA-256 mismatch$/gm)).toHaveLength(12);
    const audit = async () => (await pyclink(['audit', out])).stdout.split('\n', 1)[0];
    expect(await audit()).toMatch(/^unlinked: 6: /);
    await sh('nix-store --optimise');
    expect(linksIn(out)).toEqual([3, 1, 1, 1, 3, 3]);
    expect(await audit()).not.toMatch(/^unlinked: /);
  });

  describeWhere(lackingAbilities('namespaces'), 'built in a sandbox', () => {
    it('is the same in each build, and so is the manifest; without a sandbox the manifest is not', async () => {
      const { sh, top } = await builtPackage();
      await expect(sh('nix-build shop.nix -A all --check')).rejects.toThrow(/output '[^']*-proof' differs/);
      const programs = [dirname(realpathSync(process.execPath)), dirname(bundle), join(top, 'bin')];
      const options = ['sandbox true', 'sandbox-fallback false'].map((option) => `--option ${option}`).join(' ');
      const seen = ['/bin', '/usr', '/lib', '/lib64', '/etc', ...programs].join(' ');
      await sh(`nix-build shop.nix -A all --check ${options} --option sandbox-paths '${seen}'`);
    });
  });
});
