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
  it('finds nothing wrong where zipimport loads the pycs', async () => {
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
      `  /shop/__pycache__/till.${tag}.pyc: it records mtime 2023-11-14T22:13:20Z, the source has 2027-01-15T08:00:00Z`,
    ]);
    expect(status).toBe(1);
  });

  it('finds that no installer gives the files of a wheel the mtimes that its pycs record', async () => {
    const { tree, zip } = await zipped('till-1.0-py3-none-any.whl', wheelFiles);
    const { findings } = await audit(zip);
    expect(findings).toEqual([
      `  /till/__pycache__/__init__.${tag}.pyc: it records an mtime, and the source will have that of the installation`,
    ]);
    const venv = join(tree, '../venv');
    await execa(python, ['-m', 'venv', venv]);
    const pip = ['-m', 'pip', 'install', '-q', '--no-index', '--no-compile', '--disable-pip-version-check', zip];
    await execa(join(venv, 'bin/python'), pip);
    const { stderr } = await execa(join(venv, 'bin/python'), ['-v', '-c', 'import till']);
    expect(stderr).toMatch(/bytecode is stale for 'till'/);
  });

  it('finds nothing wrong with a wheel whose pycs have hashes', async () => {
    const { zip } = await zipped('till-1.0-py3-none-any.whl', wheelFiles, '--invalidation-mode', 'checked-hash');
    expect(await audit(zip)).toEqual({ status: 0, stderr: '', findings: [] });
  });

  it('says what is wrong with a zip that is cut', async () => {
    const { zip } = await zipped('modules.zip', { '/till.py': 'price = 5\n' });
    await execa('truncate', ['-s', '-30', zip]);
    const { status, stderr } = await audit(zip);
    expect(status).toBe(3);
    expect(stderr).toContain(`${zip}: cannot be read: `);
    renameSync(zip, `${zip}.old`);
    expect(existsSync(zip)).toBe(false);
  });
});
