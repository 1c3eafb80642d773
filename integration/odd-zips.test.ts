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
/** A stored member whose local header may be of 64 bits. */
const long = 'with z.open("shop/evil.pyc", "w", force_zip64=True) as f: f.write(b"x")';
/** The last local header, and the records of the end: Python writes those of 64 bits for more than 65,535 entries. */
const locals = 'at = data.rindex(b"PK\\3\\4")';
const end64 =
  'e = len(data) - 22; n, size, at = struct.unpack("<HLL", data[e + 10:e + 20]); data[e:e] = struct.pack("<4sQHHLLQQQQ4sLQL", b"PK\\6\\6", 44, 45, 45, 0, 0, n, n, size, at, b"PK\\6\\7", 0, e, 1)';

describe('audit refuses', () => {
  it.each<[string, string, string, string, string?]>([
    [
      'entries behind the last that the end record counts',
      'a.whl',
      'does not end where',
      evil,
      'data[-14:-10] = b"\\1\\0\\1\\0"',
    ],
    ['a local header with another name', 'a.whl', 'a name that', evil, `${locals}; data[at + 38:at + 40] = b"xx"`],
    ['a local header with another size', 'a.whl', 'a size that', evil, `${locals}; data[at + 18:at + 26] = bytes(8)`],
    ['a local header with another long size', 'a.whl', 'a size that', long, `${locals}; data[at + 30 + 13 + 4] += 1`],
    [
      'a long end record with other entries',
      'a.whl',
      'do not agree',
      evil,
      `${end64}; data[e + 24] = data[e + 32] = 1`,
    ],
    ['a long end record elsewhere', 'a.whl', 'do not agree', evil, `${end64}; data[e + 56 + 8] += 1`],
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

  it.each(['gnu', 'v7'])('a tar that ends as a zip: %s', async (format) => {
    const tree = plantBuildroot({ '/shop/cart.py': 'x = 1\n' });
    const tar = join(tree, '../good.tar');
    await execa('tar', ['-cf', tar, `--format=${format}`, '-C', tree, '.']);
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

it.each<[string, string, string]>([
  ['of 64 bits', long, end64],
  ['whose sizes follow the bytes', evil, `${locals}; data[at + 6] |= 8; data[at + 14:at + 26] = bytes(12)`],
  ['behind a shebang', evil, 'data[0:0] = b"#!/usr/bin/python3\\n"'],
  ['of 64 bits behind a shebang', long, `${end64}; data[0:0] = b"#!/usr/bin/python3\\n"`],
])('audit reads a zip %s', async (_, script, change) => {
  const { stdout, stderr } = await pyclink(['audit', '-v', await zipBy('a.zip', script, change)]);
  expect(stderr).toBe('');
  expect(stdout).toContain('/shop/evil.pyc');
});
