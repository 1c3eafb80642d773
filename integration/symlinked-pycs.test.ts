/** Pycs that Python reaches through symlinks. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { builtShop, directory, pyc, type Shop, tarOf } from './helpers/shop.ts';

interface Report {
  readonly findings: readonly { readonly kind: string; readonly path: string; readonly detail: string }[];
  readonly summary: { readonly modulesWithoutBytecode: number };
}

/** What audit says of a shop, as a tree and as a tar. */
async function audits(shop: Shop): Promise<Report[]> {
  const targets = [shop.buildroot, await tarOf(shop, 'shop.tar', 'usr')];
  const runs = targets.map(async (target) => JSON.parse((await pyclink(['audit', '--json', target])).stdout) as Report);
  return Promise.all(runs);
}

/** Which file Python takes the code of a module from. */
async function loadedFrom(shop: Shop, module: string, ...flags: string[]): Promise<string> {
  const place = join(shop.buildroot, directory);
  const options = { cwd: place, env: { PYTHONPATH: place }, reject: false } as const;
  const { stderr } = await execa(systemPython.executable, [...flags, '-B', '-v', '-c', `import ${module}`], options);
  return new RegExp(`code object from '?(.*/${module}[^']*)`).exec(stderr)?.[1] ?? '';
}

describe('audit', () => {
  it('counts a pyc that is a symlink to another level as that level', async () => {
    const shop = await builtShop();
    const level1 = join(shop.buildroot, pyc('till', '.opt-1'));
    rmSync(level1);
    symlinkSync(`till.${systemPython.cacheTag}.pyc`, level1);
    expect(await loadedFrom(shop, 'till', '-O')).toContain('.opt-1.pyc');
    for (const { findings } of await audits(shop)) expect(findings).toEqual([]);
  });

  it('finds the pycs in a __pycache__ that is a symlink', async () => {
    const shop = await builtShop();
    const cache = join(shop.buildroot, directory, '__pycache__');
    mkdirSync(join(shop.buildroot, 'usr/share/bytecode'), { recursive: true });
    renameSync(cache, join(shop.buildroot, 'usr/share/bytecode/__pycache__'));
    symlinkSync('../../../share/bytecode/__pycache__', cache);
    expect(await loadedFrom(shop, 'till')).toContain('/__pycache__/till.');
    for (const { findings, summary } of await audits(shop)) {
      expect(findings).toEqual([]);
      expect(summary.modulesWithoutBytecode).toBe(0);
    }
    writeFileSync(join(shop.buildroot, directory, 'till.py'), 'total = 3  # and more\n');
    for (const { findings } of await audits(shop)) {
      const stale = findings.filter(({ kind }) => kind === 'stale');
      expect(stale.map(({ path }) => path)).toEqual([pyc('till', '.opt-1'), pyc('till', '.opt-2'), pyc('till')]);
    }
  });

  it('reads the target of a symlinked pyc, whatever its name', async () => {
    const shop = await builtShop('--no-link');
    const [level1, other] = [join(shop.buildroot, pyc('till', '.opt-1')), join(shop.buildroot, 'usr/share/till.bin')];
    mkdirSync(join(shop.buildroot, 'usr/share'));
    renameSync(level1, other);
    symlinkSync(other.replace(shop.buildroot, ''), level1);
    const { stdout } = await pyclink(['audit', '--only', 'damaged', '--only', 'missing-level', shop.buildroot]);
    expect(stdout).not.toContain('damaged');
    writeFileSync(other, 'no bytecode');
    const ran = await pyclink(['audit', '--only', 'damaged', shop.buildroot]);
    expect(ran.stdout).toContain('till');
    expect(ran.status).toBe(1);
  });
});

describe('diff', () => {
  it('compares the pycs in a __pycache__ that is a symlink', async () => {
    const shops = [await builtShop(), await builtShop()] as const;
    writeFileSync(join(shops[1].buildroot, directory, 'till.py'), 'total = 4\n');
    await pyclink(['build', '-q', '--buildroot', shops[1].buildroot]);
    for (const { buildroot } of shops) {
      mkdirSync(join(buildroot, 'usr/share'));
      renameSync(join(buildroot, directory, '__pycache__'), join(buildroot, 'usr/share/bytecode'));
      symlinkSync('../../../share/bytecode', join(buildroot, directory, '__pycache__'));
    }
    for (const targets of [
      shops.map(({ buildroot }) => buildroot),
      await Promise.all(shops.map((shop) => tarOf(shop, 'shop.tar', 'usr'))),
    ]) {
      const { status, stdout } = await pyclink(['diff', ...targets]);
      expect(status).toBe(1);
      expect(stdout).toContain(`code: ${join('/', directory, 'till.py')}: till`);
    }
  });
});

describe('names that are not UTF-8', () => {
  it.each(['tree', 'zip'])('are shown with escaped bytes in a %s', async (kind) => {
    const shop = await builtShop();
    const place = join(shop.buildroot, directory);
    const script = [
      'import os, sys, zipfile',
      "name = b'caf\\xe9.cpython-311.pyc'",
      "open(os.fsencode(sys.argv[1]) + b'/' + name, 'wb').write(b'x')",
      "with zipfile.ZipFile(sys.argv[2], 'w') as zip: zip.writestr('caf\\xe9.cpython-311.pyc', b'x')",
      "data = open(sys.argv[2], 'rb').read().replace('caf\\xe9'.encode(), b'caf\\xe9\\xe8')",
      "open(sys.argv[2], 'wb').write(data)",
    ];
    const zip = shop.beside('shop.zip');
    await execa(systemPython.executable, ['-c', script.join('\n'), place, zip]);
    const ran = await pyclink(['audit', '--only', 'damaged', kind === 'zip' ? zip : shop.buildroot]);
    expect(ran.stdout).toContain(kind === 'zip' ? 'caf\\xe9\\xe8.cpython-311.pyc' : 'caf\\xe9.cpython-311.pyc');
    expect(ran.status).toBe(1);
  });
});
