/** Audits wheels and other zips, and asks pip and zipimport what becomes of them. */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const python = systemPython.executable;
const tag = systemPython.cacheTag;

const dist = 'till-1.0.dist-info';
const wheelFiles = {
  '/till/__init__.py': 'price = 5\n',
  [`/${dist}/METADATA`]: 'Metadata-Version: 2.1\nName: till\nVersion: 1.0\n',
  [`/${dist}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
  [`/${dist}/RECORD`]: `till/__init__.py,,\ntill/__pycache__/__init__.${tag}.pyc,,\n${dist}/METADATA,,\n${dist}/WHEEL,,\n${dist}/RECORD,,\n`,
};

/** A tree with pycs, as a zip of this name. */
async function zipped(name: string, files: Parameters<typeof plantBuildroot>[0], ...compileall: string[]) {
  const tree = plantBuildroot(files);
  const words = ['-q', '-s', tree, '-p', '/', ...compileall, tree];
  await execa(python, ['-m', 'compileall', ...words], { env: { PYTHONDONTWRITEBYTECODE: '' } });
  const zip = join(tree, '..', name);
  await execa('zip', ['-q', '-r', zip, '.'], { cwd: tree });
  return { tree, zip };
}

const audit = async (zip: string, ...args: string[]) => {
  const { stdout, status, stderr } = await pyclink(['audit', '-v', '--ignore', 'unreproducible', ...args, zip]);
  return { status, stderr, findings: stdout.split('\n').filter((line) => line.startsWith('  /')) };
};

describeWith(missingTools('zip'), 'audit of a zip', () => {
  it('has no findings if zipimport loads the pycs', async () => {
    for (const mtime of [1_700_000_000, 1_700_000_001]) {
      const { zip } = await zipped('modules.zip', { '/till.py': { content: 'price = 5\n', mtime } }, '-b');
      expect(await audit(zip)).toEqual({ status: 0, stderr: '', findings: [] });
      const { stdout } = await execa(python, ['-c', 'import till; print(till.__file__)'], { env: { PYTHONPATH: zip } });
      expect(stdout).toBe(join(zip, 'till.pyc'));
    }
  });

  it('finds a source that was changed after compiling', async () => {
    const { tree, zip } = await zipped('modules.zip', { '/shop/till.py': 'price = 5\n' });
    await execa('touch', ['-d', '@1800000000', join(tree, 'shop/till.py')]);
    await execa('zip', ['-q', zip, 'shop/till.py'], { cwd: tree });
    const { status, findings } = await audit(zip);
    expect(findings).toEqual([
      `  /shop/__pycache__/till.${tag}.pyc: it records mtime 2023-11-14T22:13:20Z, the source has 2027-01-15T08:00:00Z after unzip has unpacked it, in modules.zip`,
    ]);
    expect(status).toBe(1);
  });

  /** What a zip made by zipfile, which stores DOS time only, and unpacked by unzip, makes of a pyc. */
  const packed = async (mtime: number) => {
    const { tree } = await zipped('own.zip', { '/till.py': { content: 'price = 5\n', mtime } });
    const zip = join(tree, '../dos.zip');
    await execa(python, ['-m', 'zipfile', '-c', zip, '.'], { cwd: tree });
    const unpacked = join(tree, '../unpacked');
    await execa('unzip', ['-q', zip, '-d', unpacked]);
    const { stderr } = await execa(python, ['-v', '-B', '-c', 'import till'], { env: { PYTHONPATH: unpacked } });
    return { ...(await audit(zip)), isStale: stderr.includes("bytecode is stale for 'till'") };
  };

  it('finds an odd second that unzip rounds off', async () => {
    expect(await packed(1_700_000_000)).toMatchObject({ status: 0, findings: [], isStale: false });
    const { status, findings, isStale } = await packed(1_700_000_001);
    expect([status, isStale]).toEqual([1, true]);
    expect(findings).toEqual([
      `  /__pycache__/till.${tag}.pyc: it records mtime 2023-11-14T22:13:21Z, ` +
        'the source has 2023-11-14T22:13:20Z after unzip has unpacked it, in dos.zip',
    ]);
  });

  it('compares DOS time like zipimport, in the time zone of the importing process', async () => {
    const { tree, zip } = await zipped(
      'modules.zip',
      { '/till.py': { content: 'price = 5\n', mtime: 1_700_000_000 } },
      '-b',
    );
    await execa('rm', [zip]);
    await execa('zip', ['-q', '-r', zip, '.'], { cwd: tree, env: { TZ: 'Asia/Tokyo' } });
    for (const [zone, isLoaded] of [
      ['Asia/Tokyo', true],
      ['UTC', false],
    ] as const) {
      const env = { PYTHONPATH: zip, TZ: zone };
      const { stdout } = await execa(python, ['-c', 'import till; print(till.__file__)'], { env });
      expect([zone, stdout]).toEqual([zone, join(zip, isLoaded ? 'till.pyc' : 'till.py')]);
      const { status } = await pyclink(['audit', '--ignore', 'unreproducible', zip], { env: { TZ: zone } });
      expect([zone, status]).toEqual([zone, isLoaded ? 0 : 1]);
    }
  });

  it('finds pycs of a zipapp that zipimport does not read', async () => {
    const { zip } = await zipped('app.pyz', { '/__main__.py': 'import till\n', '/till.py': 'price = 5\n' });
    const { stderr } = await execa(python, ['-v', zip]);
    expect(stderr).toMatch(/# zipimport: found|zipimport/);
    expect(stderr).not.toContain('__pycache__/till');
    const { findings } = await audit(zip);
    expect(findings).toEqual(
      ['__main__', 'till'].map(
        (name) =>
          `  /__pycache__/${name}.${tag}.pyc: zipimport does not read __pycache__, only a pyc next to its source, in app.pyz`,
      ),
    );
  });

  it('finds pycs of a wheel that record mtimes, which no installer keeps', async () => {
    const { tree, zip } = await zipped('till-1.0-py3-none-any.whl', wheelFiles);
    const { findings } = await audit(zip);
    expect(findings).toEqual([
      `  /till/__pycache__/__init__.${tag}.pyc: it records an mtime, but the source will get the mtime of its installation, in till-1.0-py3-none-any.whl`,
    ]);
    const venv = join(tree, '../venv');
    await execa(python, ['-m', 'venv', venv]);
    const pip = ['-m', 'pip', 'install', '-q', '--no-index', '--no-compile', '--disable-pip-version-check', zip];
    await execa(join(venv, 'bin/python'), pip);
    const { stderr } = await execa(join(venv, 'bin/python'), ['-v', '-c', 'import till']);
    expect(stderr).toMatch(/bytecode is stale for 'till'/);
  });

  it('has no findings for a wheel with hash-based pycs, whose equal levels cannot be linked', async () => {
    const words = ['--invalidation-mode', 'checked-hash', '-o', '0', '-o', '1'];
    const { zip } = await zipped('till-1.0-py3-none-any.whl', wheelFiles, ...words);
    expect(await audit(zip)).toEqual({ status: 0, stderr: '', findings: [] });
  });

  it('expects no pycs of a wheel, whatever directories are in it', async () => {
    const module = `/till.data/data/lib/python${systemPython.minor}/site-packages/till/cart.py`;
    const tree = plantBuildroot({ ...wheelFiles, [module]: 'a = 1\n' });
    const wheel = join(tree, '../till-1.0-py3-none-any.whl');
    await execa('zip', ['-qr', wheel, '.'], { cwd: tree });
    expect(await audit(wheel)).toEqual({ status: 0, stderr: '', findings: [] });
  });

  it('reports what is wrong with a truncated zip', async () => {
    const { zip } = await zipped('modules.zip', { '/till.py': 'price = 5\n' });
    await execa('truncate', ['-s', '-30', zip]);
    const { status, stderr } = await audit(zip);
    expect(status).toBe(3);
    expect(stderr).toContain(`${zip}: cannot be read: `);
    renameSync(zip, `${zip}.old`);
    expect(existsSync(zip)).toBe(false);
  });
});
