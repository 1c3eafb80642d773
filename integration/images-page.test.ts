/** Runs the commands of docs/images.md as they are, and has Python judge what comes out. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { everythingIn, linkGroupsIn, type Planted, plant, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { bundle } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { blocksOf, erofsKeepsLinks, headings, page } from './helpers/images-page.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const allBuilt = /: all as built$/gm;

/** A directory in which commands of the page run, with `pyclink` and the system's Python on PATH. */
function workshop(files: Readonly<Record<string, Planted>>) {
  const top = temporaryDirectory();
  plant(top, { ...files, 'bin/pyclink': `#!/bin/sh\nexec ${process.execPath} ${bundle} "$@"\n` });
  chmodSync(join(top, 'bin/pyclink'), 0o755);
  const env = { PATH: `${top}/bin:/usr/bin:/bin:/usr/sbin`, HOME: top, TZ: 'UTC' };
  const sh = async (script: string) =>
    (await execa('sh', ['-e', '-c', script], { cwd: top, env, extendEnv: false, all: true, reject: false })) as {
      readonly exitCode?: number;
      readonly stdout: string;
      readonly all: string;
    };
  return { top, at: (...names: string[]) => join(top, ...names), sh };
}

it('has each command of the page run by a test', () => {
  const tests = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'));
  const texts = tests.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8')).join('');
  expect(headings.length).toBeGreaterThan(6);
  expect(headings.filter((heading) => !texts.includes(`blocksOf('${heading}')`))).toEqual([]);
});

describeWith(missingTools('zip', 'unzip'), 'a function bundle', () => {
  it('is built, zipped, verified and loaded after unpacking', async () => {
    const { sh, at } = workshop({
      'bundle/shop.py': { content: 'def handler(event, context):\n    return event\n', mtime: 1_600_000_001 },
      'bundle/till/sum.py': { content: 'total = 0\n', mtime: 1_600_000_001 },
      'bundle/alias': { symlink: 'till' },
    });
    const [commands = ''] = blocksOf('Function bundles');
    // The Python of the function's runtime: here it is the system's.
    const done = await sh(commands.replace('python3.11', `python${systemPython.minor}`));
    expect(done.all.match(allBuilt)).toHaveLength(1);
    await sh('unzip -q bundle.zip -d task');
    const { all } = await sh('python3 -v -B -c "import sys; sys.path.insert(0, \'task\'); import shop, alias.sum"');
    for (const pyc of ['__pycache__/shop.', 'alias/__pycache__/sum.']) {
      expect(all).toContain(`code object from '${at('task')}/${pyc}`);
    }
  });

  const zips = {
    zip: 'zip -qr ../it.zip .',
    'zip -X': 'zip -qrX ../it.zip .',
    'python3 -m zipfile': 'python3 -m zipfile -c ../it.zip *',
  };
  const cases = {
    'an odd second': [1_600_000_001, ''],
    'an even second, as by `--mtime 2020-01-01`': [1_600_000_001, '--mtime 2020-01-01'],
    'before 1980, as by `--mtime 0`': [1_600_000_001, '--mtime 0'],
    'an odd second, with `--invalidation-mode unchecked-hash`': [1_600_000_001, '--invalidation-mode unchecked-hash'],
  } as const;

  it.each(Object.entries(cases))('with %s', async (name, [mtime, options]) => {
    const { sh } = workshop({ 'it/shop.py': { content: 'x = 1\n', mtime } });
    await sh(`pyclink build -q --buildroot it / -o 0 ${options}`);
    const seen: string[] = [];
    for (const command of Object.values(zips)) {
      const { exitCode } = await sh(`rm -rf it.zip task; cd it; ${command}`);
      await sh('unzip -q it.zip -d task');
      const { all } = await sh('python3 -v -B -c "import sys; sys.path.insert(0, \'task\'); import shop"');
      const isRead = /code object from '[^']*task\/__pycache__/.test(all);
      seen.push(exitCode !== 0 ? 'no zip' : isRead ? 'read' : all.includes('bytecode is stale') ? 'stale' : all);
    }
    expect(page).toContain(`| ${name} | ${seen.join(' | ')} |`);
    expect(page).toContain(
      `| mtime of the source | ${Object.keys(zips)
        .map((zip) => `\`${zip}\``)
        .join(' | ')} |`,
    );
  });
});

describeWith(missingTools('zip'), 'a zipapp', () => {
  it('is made with its sources, and without', async () => {
    const { sh, top } = workshop({
      'app/__main__.py': 'import shop\nprint(shop.__file__)\n',
      'app/shop.py': 'total = 0\n',
      'app/prices.json': '{}',
    });
    for (const [i, commands] of blocksOf('Zipapps and trees without sources').entries()) {
      expect((await sh(`rm -f app.pyz; ${commands}`)).all.match(allBuilt)).toHaveLength(1);
      expect((await sh('python3 app.pyz')).stdout).toBe(join(top, 'app.pyz/shop.pyc'));
      const sources = everythingIn(join(top, 'app')).filter((name) => name.endsWith('.py'));
      expect(sources).toEqual(i === 0 ? ['__main__.py', 'shop.py'] : []);
    }
  });
});

describeWith(missingTools('zip'), 'a zipapp with a symlinked directory', () => {
  it('needs copies instead of symlinks', async () => {
    const { sh } = workshop({
      'app/__main__.py': 'import alias.till\nprint(alias.till.__file__)\n',
      'app/shop/till.py': 'total = 0\n',
      'app/alias': { symlink: 'shop' },
    });
    const [, commands = ''] = blocksOf('Zipapps and trees without sources');
    const [, copy = ''] = /`(cp -rL [^`]*)`/.exec(page) ?? [];
    const asIs = await sh(`cp -a app old; ${commands}`);
    expect(asIs.all).toContain('unrecorded: /alias/till.pyc: ');
    const kept = await sh(`rm -r app*; cp -a old app; ${commands.replace('zip -qr', 'zip -qry')}; python3 app.pyz`);
    expect(kept.all).toContain("No module named 'alias'");
    const copied = await sh(`rm -r app*; mv old app; ${copy}; rm -r app; mv staged app; ${commands}; python3 app.pyz`);
    expect(copied.all).toMatch(/: all as built\n.*app\.pyz\/alias\/till\.pyc$/);
  });
});

const rootfs = {
  'rootfs/usr/lib/python3/dist-packages/shop/__init__.py': '',
  'rootfs/usr/lib/python3/dist-packages/shop/till.py': { content: 'total = 0\n', mtime: 1_650_000_000 },
};

/** What Python says of the pycs in a root file system. */
const imported = (root: string) =>
  `python3 -v -B -c "import sys; sys.path.insert(0, '${root}/usr/lib/python3/dist-packages'); import shop.till"`;

describeWith(missingTools('mksquashfs', 'mkfs.erofs', 'fsck.erofs', 'cpio'), 'a read-only image', () => {
  it('has the mtime that its sources were compiled with', async () => {
    const { sh, at } = workshop(rootfs);
    const [images = '', initramfs = ''] = blocksOf('Read-only images');
    expect((await sh(images)).all.match(allBuilt)).toHaveLength(2);
    await sh('fsck.erofs --extract=extracted root.erofs');
    expect(linkGroupsIn(at('extracted')).map((group) => group.length)).toEqual(
      erofsKeepsLinks() ? [3, 3] : [1, 1, 1, 1, 1, 1],
    );
    expect((await sh(imported('extracted'))).all.match(/code object from '[^']*extracted[^']*\.pyc'/g)).toHaveLength(2);
    expect((await sh(initramfs)).all.match(allBuilt)).toHaveLength(1);
    expect((await sh(imported('unpacked'))).all.match(/code object from '[^']*unpacked[^']*\.pyc'/g)).toHaveLength(2);
    await sh('mkdir now; cd now; cpio --quiet -id < ../initramfs.cpio');
    expect((await sh(imported('now'))).all).toContain('bytecode is stale');
  });
});

describe('a tree', () => {
  it('gets one mtime before or after it is compiled', async () => {
    for (const [i, command] of blocksOf('Where all files get one mtime').entries()) {
      const { sh } = workshop(rootfs);
      if (i === 1) await sh('pyclink build -q --buildroot rootfs --manifest pyclink.json');
      expect((await sh(command)).exitCode).toBe(0);
      expect((await sh('stat -c %Y rootfs/usr/lib/python3/dist-packages/shop/till.py')).stdout).toBe('0');
      expect((await sh('pyclink verify --manifest pyclink.json rootfs')).all).toMatch(allBuilt);
    }
  });

  it('gets its links back', async () => {
    const { sh, at } = workshop(rootfs);
    await sh(
      'pyclink build -q --buildroot rootfs --manifest pyclink.json; cp -r rootfs copy; rm -r rootfs; mv copy rootfs',
    );
    const [command = ''] = blocksOf('What keeps links, and mtimes');
    expect((await sh(command)).all).toContain('4 links restored, 0 refused');
    expect(linkGroupsIn(at('rootfs')).map((group) => group.length)).toEqual([3, 3]);
  });
});

describeWith(missingTools('umoci'), 'verify of an image', () => {
  it('prints what the page shows', async () => {
    const { sh, at } = workshop({
      'rootfs/app/shop.py': { content: 'total = 0\n', mtime: Date.UTC(2026, 10, 28, 8, 4, 25) / 1000 },
    });
    await sh('pyclink build -q --buildroot rootfs /app --manifest pyclink.json');
    await sh('umoci init --layout ex; umoci new --image ex:latest; umoci insert --image ex:latest rootfs /');
    mkdirSync(at('later'));
    writeFileSync(at('later/shop.py'), 'total = 0\n');
    const later = Date.UTC(2026, 10, 28, 9, 14, 13) / 1000;
    utimesSync(at('later/shop.py'), later, later);
    await sh('umoci insert --image ex:latest later/shop.py /app/shop.py');
    expect(existsSync(at('ex/oci-layout'))).toBe(true);
    const [shown = ''] = blocksOf('Proof from the finished image');
    const [command = '', ...output] = shown.replace(/^\$ /, '').split('\n');
    const plain = (text: string) =>
      text.replaceAll(/sha256:[0-9a-f]{12}/g, 'DIGEST').replaceAll('cpython-311', systemPython.cacheTag);
    expect(plain((await sh(command)).stdout)).toBe(plain(output.join('\n')));
  });
});
