/** Lists pycs in the RECORD of the distribution that pip installed, and has pip remove it. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { everythingIn, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

/** Writes a wheel. @see PyPA's binary distribution format */
const makeWheel = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    files = {
        "shop/__init__.py": "",
        'shop/odd, "name".py': "x = 1\\n",
        "shop/cart.py": "'''Docs.'''\\ndef pay(sum):\\n    assert sum\\n",
        "shop-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: shop\\nVersion: 1.0\\n",
        "shop-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    for name, text in files.items():
        wheel.writestr(name, text)
    record = "".join('"%s",,\\n' % name.replace('"', '""') for name in [*files, "shop-1.0.dist-info/RECORD"])
    wheel.writestr("shop-1.0.dist-info/RECORD", record)
`;

describeWith(missingTools('python3'), 'the RECORD of a distribution', () => {
  let top: string;

  beforeAll(async () => {
    top = mkdtempSync(join(realpathSync(tmpdir()), 'pyclink-record-'));
    await execa(systemPython.executable, ['-m', 'venv', join(top, 'template')]);
    await execa(systemPython.executable, ['-c', makeWheel, join(top, 'shop-1.0-py3-none-any.whl')]);
  }, 60_000);

  afterAll(() => rmSync(top, { recursive: true, force: true }));

  /** A virtual environment with the distribution. */
  async function installed() {
    const environment = join(temporaryDirectory(), 'venv');
    await execa('cp', ['-a', join(top, 'template'), environment]);
    const pip = (...args: string[]) => execa(join(environment, 'bin/python'), ['-m', 'pip', '--no-input', ...args]);
    await pip('install', '--no-compile', '--no-index', join(top, 'shop-1.0-py3-none-any.whl'));
    const site = join(environment, `lib/python${systemPython.minor}/site-packages`);
    const record = join(site, 'shop-1.0.dist-info/RECORD');
    const build = (...more: string[]) => pyclink(['build', '-q', '--in-place', join(site, 'shop'), ...more]);
    return { pip, site, record, build };
  }

  const pycs = ['__init__', 'cart', 'odd, "name"'].flatMap((name) =>
    ['', '.opt-1', '.opt-2'].map((level) => `shop/__pycache__/${name}.${systemPython.cacheTag}${level}.pyc`),
  );
  const silent = { status: 0, stdout: '', stderr: '' };

  it('lists the pycs, so that pip removes them', async () => {
    const { pip, site, record, build } = await installed();
    const [before, { mode }] = [readFileSync(record, 'utf8'), lstatSync(record)];
    expect(await build()).toEqual(silent);
    const after = readFileSync(record, 'utf8');
    expect(after.startsWith(before)).toBe(true);
    expect(lstatSync(record).mode).toBe(mode);
    const program = 'import csv, sys; [print(row[0]) for row in csv.reader(open(sys.argv[1]))]';
    const { stdout } = await execa(systemPython.executable, ['-c', program, record]);
    const added = stdout.split('\n').filter((path) => path.endsWith('.pyc'));
    expect(added.sort()).toEqual(pycs.toSorted());
    await pip('uninstall', '--yes', 'shop');
    expect(everythingIn(site).filter((path) => path.startsWith('shop'))).toEqual([]);
  });

  it('is not changed with --no-record, so that pycs stay behind', async () => {
    const { pip, site, record, build } = await installed();
    const before = readFileSync(record, 'utf8');
    expect(await build('--no-record')).toEqual(silent);
    expect(readFileSync(record, 'utf8')).toBe(before);
    await pip('uninstall', '--yes', 'shop');
    const left = everythingIn(site).filter((path) => path.startsWith('shop') && path.endsWith('.pyc'));
    expect(left).toEqual(
      expect.arrayContaining(pycs.filter((path) => path.includes('cart') && path.includes('.opt-'))),
    );
  });

  it('is written once, and not in a dry run', async () => {
    const { record, build } = await installed();
    const first = lstatSync(record).ino;
    await build('--dry-run');
    expect(lstatSync(record).ino).toBe(first);
    await build();
    const second = lstatSync(record).ino;
    expect(second).not.toBe(first);
    expect(await build()).toEqual(silent);
    expect(lstatSync(record).ino).toBe(second);
  });

  it('keeps its line ends', async () => {
    const { record, build } = await installed();
    const lines = readFileSync(record, 'utf8').trim().split(/\r?\n/);
    for (const end of ['\r\n', '\n']) {
      writeFileSync(record, lines.join(end));
      await build();
      expect(readFileSync(record, 'utf8').split(end).length).toBe(lines.length + pycs.length + 1);
    }
  });

  it.each(['rpm\n', 'debian', ''])('is not changed if the installer was %j', async (installer) => {
    const { record, build } = await installed();
    writeFileSync(join(record, '../INSTALLER'), installer);
    const before = readFileSync(record, 'utf8');
    expect(await build()).toEqual(silent);
    expect(readFileSync(record, 'utf8')).toBe(before);
  });

  it('is not changed in a package build', async () => {
    const { record, site } = await installed();
    const before = readFileSync(record, 'utf8');
    const buildroot = join(site, '../../..');
    expect(await pyclink(['build', '-q', '--buildroot', buildroot])).toEqual(silent);
    expect(existsSync(join(site, pycs[0] ?? ''))).toBe(true);
    expect(readFileSync(record, 'utf8')).toBe(before);
  });

  it('has no lines of pycs that --prune removed, in a package build either, but for those with --no-record', async () => {
    const { site, record, build } = await installed();
    const before = readFileSync(record, 'utf8');
    expect(await build()).toEqual(silent);
    const whole = readFileSync(record, 'utf8');
    const there = () => pycs.filter((path) => existsSync(join(site, path)));
    expect(await build('--prune', '-o', '0', '-o', '2')).toEqual(silent);
    expect(there()).toEqual(pycs.filter((path) => !path.includes('.opt-1')));
    const lines = (text: string) => text.split('\r\n').flatMap((part) => part.split('\n'));
    const left = lines(whole).filter((line) => !line.includes('.opt-1.pyc'));
    expect(lines(readFileSync(record, 'utf8'))).toEqual(left);
    await pyclink(['build', '-q', '--buildroot', join(site, '../../..'), '--prune', '-o', '0']);
    expect(there()).toEqual(pycs.filter((path) => !path.includes('.opt-')));
    const last = readFileSync(record, 'utf8');
    expect(lines(last)).toEqual(left.filter((line) => !line.includes('.opt-2.pyc')));
    expect(last.startsWith(before)).toBe(true);
    await build('--no-record', '--prune', '-o', '1');
    expect(readFileSync(record, 'utf8')).toBe(last);
  });

  it.each([
    ['"unclosed', 'it is not valid CSV'],
    ['directory', undefined],
  ])('that cannot be read (%s) causes a warning', async (text, reason) => {
    const { record, build } = await installed();
    rmSync(record);
    if (text === 'directory') mkdirSync(record);
    else writeFileSync(record, text);
    const stderr = reason === undefined ? '' : `pyclink: warning: ${record}: pycs cannot be added to it (${reason})\n`;
    expect(await build()).toEqual({ ...silent, stderr });
  });
});
