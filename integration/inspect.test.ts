import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { library, pycsOf } from './helpers/healthy.ts';

const shop = 'class Shop:\n    "A shop."\n    def pay(self):\n        return {"x y": 1}, "paid up"\n';
const one = `${library}/shop/one.py`;

async function built(files: Readonly<Record<string, string>>, ...flags: string[]): Promise<readonly string[]> {
  const planted = Object.entries(files).map(([path, content]) => [path, { content, mtime: 1_600_000_000 }]);
  const buildroot = plantBuildroot(Object.fromEntries(planted));
  expect(await pyclink(['build', '--buildroot', buildroot, '-q', ...flags])).toMatchObject({ status: 0, stderr: '' });
  return Object.keys(files).map((path) => join(buildroot, pycsOf(path)[0] as string));
}

describe('pyclink inspect', () => {
  it('prints the tree of objects after the facts, as text and as JSON', async () => {
    const [pyc = ''] = await built({ [one]: shop });
    const script = 'import sys; print(compile(sys.argv[1], "", "exec").co_consts[0].co_consts.index("A shop."))';
    const { stdout: index } = await execa(systemPython.executable, ['-c', script, shop]);
    const { status, stdout } = await pyclink(['inspect', pyc]);
    expect(status).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[9]).toMatch(/one\.py: matches$/);
    expect(lines[10]).toMatch(/^objects {7}\d+, \d+ flags, \d+ references$/);
    expect(lines[11]).toMatch(/^<module>: code line 1/);
    expect(lines).toContain('    <module>.Shop: code line 1');
    expect(lines).toContain(`        constant ${index}: str "A shop."`);
    const report = JSON.parse((await pyclink(['inspect', '--json', pyc])).stdout);
    expect(report.objects.length).toBe(lines.length - 12);
    expect(report.objects).toContainEqual(
      expect.objectContaining({ depth: 4, place: `constant ${index}`, kind: 'str', value: '"A shop."' }),
    );
  });

  it('shows where two pycs first differ, with status 1', async () => {
    const [a = ''] = await built({ [one]: shop });
    const [b = ''] = await built({ [one]: shop.replace('paid up', 'paid in') });
    const { status, stdout } = await pyclink(['inspect', a, b]);
    expect(status).toBe(1);
    expect(stdout).toBe(
      'first difference: <module>.Shop.pay: constant 3: value\n' +
        `  str "paid up"  in ${a}\n  str "paid in"  in ${b}\nin normal form: different code\n`,
    );
    expect(await pyclink(['inspect', a, a])).toMatchObject({
      status: 0,
      stdout: 'the pycs are byte-for-byte identical\n',
    });
  });

  it('distinguishes the history of an interpreter from different code', async () => {
    const [normal = ''] = await built({ [one]: shop });
    const [raw = ''] = await built({ [one]: shop }, '--no-normalize');
    const { status, stdout } = await pyclink(['inspect', raw, normal]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^first difference: <module>.*: (flag|interning|sharing)\n/);
    expect(stdout).toContain('in normal form: the same\n');
  });

  it('finds a changed constant despite a flag, another mtime and a moved line', async () => {
    const [normal = ''] = await built({ [one]: shop });
    const [raw = ''] = await built({ [one]: `\n${shop.replace('paid up', 'paid in')}` }, '--no-normalize');
    const later = readFileSync(raw);
    later.writeUInt32LE(5, 8);
    writeFileSync(raw, later);
    const { status, stdout } = await pyclink(['inspect', normal, raw]);
    expect(status).toBe(1);
    expect(stdout.match(/^(?:first|in) .*$|^ {2}.*(?= {2}in )/gm)).toEqual([
      'first difference: <module>.Shop.pay: constant 3: value',
      '  str "paid up"',
      '  str "paid in"',
      'first difference: header: mtime of the source',
      '  1600000000',
      '  5',
      'in normal form: different code',
    ]);
    const report = JSON.parse((await pyclink(['inspect', '--json', normal, raw])).stdout);
    expect(report.difference.place).toBe('<module>.Shop.pay: constant 3');
    expect(report.headerDifference.what).toBe('mtime of the source');
  });

  it('compares unreadable pycs by bytes', async () => {
    const [pyc = ''] = await built({ [one]: shop });
    const cut = join(pyc, '../cut.pyc');
    writeFileSync(cut, readFileSync(pyc).subarray(0, 100));
    expect((await pyclink(['inspect', cut])).stdout).toContain('\nobjects       truncated\n');
    const { status, stdout } = await pyclink(['inspect', pyc, cut]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^first difference: bytes: byte 100\n {2}0x[0-9a-f]+ .*\n {2}its end /);
    expect(stdout).toContain('in normal form: not available for both\n');
  });
});
