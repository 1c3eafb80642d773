/** Zips that programs interpret differently. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';

/** A zip that Python's zipfile makes: `z` is open in the script, and `bytes` of it may be changed afterwards. */
async function zipBy(name: string, script: string, change = 'pass'): Promise<string> {
  const file = join(plantBuildroot({}), '..', name);
  const lines = [
    'import struct, sys, warnings, zipfile',
    'warnings.simplefilter("ignore")',
    'z = zipfile.ZipFile(sys.argv[1], "w")',
    'z.writestr("shop/cart.py", "x = 1\\n")',
    script,
    'z.close()',
    'data = bytearray(open(sys.argv[1], "rb").read())',
    change,
    'open(sys.argv[1], "wb").write(data)',
  ];
  await execa(systemPython.executable, ['-c', lines.join('\n'), file]);
  return file;
}

const evil = 'z.writestr("shop/evil.pyc", "x")';

describe('audit refuses', () => {
  it.each<[string, string, string, string, string?]>([
    [
      'entries behind the last that the end record counts',
      'a.whl',
      'does not end where',
      evil,
      'data[-14:-10] = b"\\1\\0\\1\\0"',
    ],
    ['a directory of another size', 'a.whl', 'is not where', evil, 'data[-10:-6] = struct.pack("<L", len(data))'],
    [
      'another name in an extra field',
      'a.whl',
      'a name that programs interpret differently',
      'i = zipfile.ZipInfo("shop/evil.pyc"); n = b"shop/fine.txt"; import zlib; i.extra = struct.pack("<HHBL", 0x7075, 5 + len(n), 1, zlib.crc32(b"shop/evil.pyc")) + n; z.writestr(i, "x")',
    ],
    [
      'a NUL in a name',
      'a.whl',
      'a name that programs interpret differently',
      evil,
      'data[:] = data.replace(b"evil.pyc", b"evil.py\\0")',
    ],
    ['a directory of the same path', 'a.whl', 'is in it twice', `${evil}; z.writestr("shop/evil.pyc/", "")`],
    ['two files of one name', 'a.whl', 'is in it twice', `${evil}; z.writestr("shop/evil.pyc", "y")`],
  ])('%s', async (_, name, message, script, change) => {
    const ran = await pyclink(['audit', await zipBy(name, script, change)]);
    expect(ran.stderr).toContain(message);
    expect(ran).toMatchObject({ status: 3, stdout: '' });
  });

  it('a conda package with a module beside its parts', async () => {
    const tree = plantBuildroot({ '/shop/cart.py': 'x = 1\n' });
    const part = join(tree, '../pkg-x.tar.zst');
    await execa('tar', ['--zstd', '-cf', part, '-C', tree, '.']);
    const ran = await pyclink(['audit', await zipBy('a.conda', `z.write("${part}", "pkg-x.tar.zst")`)]);
    expect(ran.stderr).toContain('it is a conda package with an extra file: /shop/cart.py');
    expect(ran).toMatchObject({ status: 3, stdout: '' });
  });

  it('a tar that ends as a zip', async () => {
    const tree = plantBuildroot({ '/shop/cart.py': 'x = 1\n' });
    const tar = join(tree, '../good.tar');
    await execa('tar', ['-cf', tar, '-C', tree, '.']);
    const both = join(tree, '../both.whl');
    writeFileSync(both, Buffer.concat([readFileSync(tar), readFileSync(await zipBy('a.whl', evil))]));
    const ran = await pyclink(['audit', both]);
    expect(ran.stderr).toContain('it begins as tar and ends as zip');
    expect(ran).toMatchObject({ status: 3, stdout: '' });
  });
});

it('audit does not unpack a file in a wheel that is named like a part of a conda package', async () => {
  const { stdout, status } = await pyclink([
    'audit',
    '-v',
    await zipBy('a.whl', `z.writestr("pkg-x.tar.zst", "x"); ${evil}`),
  ]);
  expect(stdout).toContain('/shop/evil.pyc');
  expect(status).toBe(1);
});
