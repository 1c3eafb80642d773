import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { systemPython } from '../test/helpers/pythons.ts';
import { builtShop, debOf, directory, healthy, pyc, tarOf, verifyShop } from './helpers/shop.ts';

describe('verify', () => {
  it.each([
    ['a plain tar', 'layer.tar', ['.']],
    ['a tar whose names have no dot in front', 'layer.tar', ['usr']],
    ['a tar of gzip', 'layer.tgz', ['--gzip', '.']],
    ['a tar of xz', 'layer.pkg.tar.xz', ['--xz', '.']],
    ['a tar of zstd', 'layer.pkg.tar.zst', ['--zstd', '.']],
    ['a tar in the old GNU format', 'layer.tar', ['--format=gnu', '.']],
    ['a tar with pax headers', 'layer.tar', ['--format=posix', '.']],
  ])('reads %s', async (_, name, args) => {
    const tree = await builtShop();
    expect(await verifyShop(tree, await tarOf(tree, name, ...args))).toEqual(healthy);
  });

  it('reads an .apk, which consists of three gzipped tars, of which only the last has an end', async () => {
    const tree = await builtShop();
    const file = tree.beside('shop.apk');
    const script = [
      'import gzip, io, sys, tarfile',
      'def piece(fill, is_last):',
      '    raw = io.BytesIO()',
      '    tar = tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT)',
      '    fill(tar)',
      '    size = tar.offset',
      '    tar.close()',
      '    return gzip.compress(raw.getvalue() if is_last else raw.getvalue()[:size])',
      'empty = lambda name: lambda tar: tar.addfile(tarfile.TarInfo(name))',
      'with open(sys.argv[1], "wb") as apk:',
      '    apk.write(piece(empty(".SIGN.RSA.shop.pub"), False) + piece(empty(".PKGINFO"), False))',
      '    apk.write(piece(lambda tar: tar.add(sys.argv[2], "/"), True))',
    ];
    await execa(systemPython.executable, ['-c', script.join('\n'), file, tree.buildroot]);
    expect(await verifyShop(tree, file)).toEqual(healthy);
  });

  it.each([0.25, 0.75])("reads a tar of Python's tarfile, with %d of a second in its mtimes", async (fraction) => {
    const tree = await builtShop();
    for (const name of ['cart', 'till']) {
      const source = join(tree.buildroot, directory, `${name}.py`);
      utimesSync(source, 1_600_000_000 + fraction, 1_600_000_000 + fraction);
    }
    const file = tree.beside('layer.tar');
    const script = 'import sys, tarfile\nwith tarfile.open(sys.argv[1], "w") as tar: tar.add(sys.argv[2], "/")';
    await execa(systemPython.executable, ['-c', script, file, tree.buildroot]);
    expect(await verifyShop(tree, file)).toEqual(healthy);
  });

  it.each(['timestamp', 'checked-hash'])('reads a Debian package (%s)', async (mode) => {
    const tree = await builtShop('--invalidation-mode', mode);
    expect(await verifyShop(tree, await debOf(tree, 'shop.deb'))).toEqual(healthy);
  });

  it('reports links that a builder expanded as unlinked', async () => {
    const tree = await builtShop();
    const file = await tarOf(tree, 'expanded.tar', '--hard-dereference', '.');
    const line = (name: string, first: string) => `unlinked: ${name}: not the same file as ${first}\n`;
    expect(await verifyShop(tree, file)).toEqual({
      status: 1,
      stdout:
        line(pyc('cart'), pyc('cart', '.opt-1')) +
        line(pyc('till', '.opt-2'), pyc('till', '.opt-1')) +
        line(pyc('till'), pyc('till', '.opt-1')) +
        'pyclink: 6 pycs, 2 link groups: 3 findings\n',
      stderr: '',
    });
  });

  it.each(['timestamp', 'checked-hash'])('reports a source that changed as stale (%s)', async (mode) => {
    const tree = await builtShop('--invalidation-mode', mode);
    const source = join(tree.buildroot, directory, 'till.py');
    writeFileSync(source, 'total = 1\n');
    utimesSync(source, 1_600_000_001, 1_600_000_001);
    const reason =
      mode === 'timestamp'
        ? 'it records mtime 2020-09-13T12:26:40Z, the source has 2020-09-13T12:26:41Z'
        : 'the hash of the source does not match';
    const { status, stdout } = await verifyShop(tree, await tarOf(tree, 'layer.tar', '.'));
    expect(status).toBe(1);
    expect(stdout.split('\n').slice(0, 3)).toEqual(
      [pyc('till', '.opt-1'), pyc('till', '.opt-2'), pyc('till')].map((path) => `stale: ${path}: ${reason}`),
    );
  });

  it('reports a link group in two layers as split', async () => {
    const tree = await builtShop();
    const one = await tarOf(tree, 'one.tar', `--exclude=.${pyc('till', '.opt-1')}`, '.');
    const two = await tarOf(tree, 'two.tar', `.${pyc('till', '.opt-1')}`);
    const detail = (here: string, path: string, there: string) => `in ${here}, but ${path} is in ${there}`;
    expect(await verifyShop(tree, one, two)).toEqual({
      status: 1,
      stdout:
        `split: ${pyc('till', '.opt-1')}: ${detail('two.tar', pyc('till', '.opt-2'), 'one.tar')}\n` +
        `split: ${pyc('till', '.opt-2')}: ${detail('one.tar', pyc('till', '.opt-1'), 'two.tar')}\n` +
        `split: ${pyc('till')}: ${detail('one.tar', pyc('till', '.opt-1'), 'two.tar')}\n` +
        'pyclink: 6 pycs, 2 link groups: 3 findings\n',
      stderr: '',
    });
  });

  it('reports bytes that differ from the build as damaged', async () => {
    const tree = await builtShop();
    writeFileSync(join(tree.buildroot, pyc('cart', '.opt-2')), 'not bytecode');
    const stdout = `damaged: ${pyc('cart', '.opt-2')}: it does not start with a magic number\n`;
    const verdict = 'pyclink: 6 pycs, 2 link groups: 1 finding\n';
    expect(await verifyShop(tree, await tarOf(tree, 'layer.tar', '.'))).toEqual({
      status: 1,
      stdout: stdout + verdict,
      stderr: '',
    });
  });

  it.each([
    ['a plain tar', 'layer.tar', '.'],
    ['a tar of gzip', 'layer.tgz', '--gzip'],
    ['a tar of xz', 'layer.tar.xz', '--xz'],
    ['a tar of zstd', 'layer.tar.zst', '--zstd'],
  ])('reports that a truncated %s cannot be read', async (_, name, flag) => {
    const tree = await builtShop();
    const file = await tarOf(tree, name, flag, '.');
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, Math.min(700, bytes.length >> 1)));
    const ran = await verifyShop(tree, file);
    expect(ran).toMatchObject({ status: 3, stdout: '' });
    expect(ran.stderr).toMatch(
      /^pyclink: error: \S+: cannot be read: .+\n {4}hint: is it a complete package, archive or image.+\n$/,
    );
  });

  it('reports what is wrong with a text, a missing file and a directory among packages', async () => {
    const tree = await builtShop();
    const text = tree.beside('text');
    writeFileSync(text, 'This is no archive, and it is long enough to see that. '.repeat(20));
    const ran = await verifyShop(tree, text);
    expect(ran.status).toBe(3);
    expect(ran.stderr).toMatch(/: cannot be read: it has no format that pyclink reads\n {4}hint: /);
    const missing = await verifyShop(tree, tree.beside('missing.deb'));
    expect(missing.stderr).toBe(`pyclink: error: ${tree.beside('missing.deb')}: cannot be opened (ENOENT)\n`);
    expect(missing.status).toBe(2);
    const mixed = await verifyShop(tree, text, tree.buildroot);
    expect(mixed.stderr).toBe(`pyclink: error: ${tree.buildroot}: only directories can be combined with a directory\n`);
    expect(mixed.status).toBe(2);
  });
});
