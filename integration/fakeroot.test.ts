/** Under fakeroot, as makepkg and dpkg-buildpackage use it, files keep the owners and modes that they have there. */
import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { bundle } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeWith, missingRoot, missingTools } from './helpers/tools.ts';

const user = 65_534;
const site = 'usr/lib/python3/dist-packages';
const [source, record] = ['shop/cart.py', 'shop-1.0.dist-info/RECORD'];
const pyc = (level = '') => `shop/__pycache__/cart.${systemPython.cacheTag}${level}.pyc`;

/** Runs a script under fakeroot, as another user than root, in a tree; $pyclink is the program. */
function inTree(tree: string, script: string) {
  const env = { HOME: '/nonexistent', PATH: '/usr/bin:/bin', python: systemPython.executable };
  const options = { cwd: tree, uid: user, gid: user, env, extendEnv: false, reject: false } as const;
  return execa('fakeroot', ['sh', '-euc', `pyclink="${process.execPath} ${bundle}"\n${script}`], options);
}

/** Prints mode, owner and name of each file, as an archive would have them. */
const archive = `find ${site} -type f -printf '%m %U:%G %P\\n' | grep -v INSTALLER | LC_ALL=C sort -k 3`;

/** A distribution that pip installed; its source has a hard link outside. */
function planted(): string {
  const tree = plantBuildroot({
    [`${site}/${source}`]: 'def pay(sum):\n    assert sum\n    return sum in {1, 2, 3}\n',
    [`${site}/${record}`]: 'shop/cart.py,,\n',
    [`${site}/${dirname(record)}/INSTALLER`]: 'pip\n',
  });
  linkSync(join(tree, site, source), join(temporaryDirectory(), 'outside'));
  chmodSync(dirname(tree), 0o755);
  execFileSync('chown', ['-R', `${user}:${user}`, tree]);
  return tree;
}

describeWith([...missingRoot(), ...missingTools('fakeroot')], 'under fakeroot', () => {
  const existing = `$python -m compileall -q . && chown -R 7:8 . && chmod 444 ${site}/shop/__pycache__/*`;

  it.each(['link --normalize', 'restamp --mtime 5'])('%s keeps owner and mode of pycs', async (args) => {
    const ran = await inTree(planted(), `${existing}\n$pyclink ${args} --buildroot . >&2\n${archive}`);
    expect(ran.stderr).toContain(args.startsWith('link') ? '1 normalized' : '1 pyc restamped');
    expect(ran.stdout.split('\n')).toContain(`444 7:8 ${pyc()}`);
    expect(ran.exitCode).toBe(0);
  });

  it.each([
    ['owner', 'chown 9', '644 7:8', '644 9:8'],
    ['mode', 'chmod 444', '644 7:8', '444 7:8'],
  ])('link does not link pycs of another %s', async (what, change, first, second) => {
    const [one, two] = [pyc('.opt-1'), pyc('.opt-2')];
    const copy = `${existing}\nchmod 644 ${site}/${pyc()}\nfor f in ${one} ${two}; do cp -p ${site}/${pyc()} ${site}/$f; done`;
    const script = `${copy}\n${change} ${site}/${two}\n$pyclink link --buildroot . >&2\n${archive} | grep opt`;
    const ran = await inTree(planted(), script);
    expect(ran.stderr).toContain(`not linked: the identical pycs differ in ${what}`);
    expect(ran.stderr).toContain('1 link made');
    expect(ran.stdout.split('\n')).toEqual([`${first} ${one}`, `${second} ${two}`]);
  });

  it('build keeps the owners of RECORD and of separated sources, and gives pycs to root', async () => {
    const build = '$pyclink build -q --buildroot . --mtime 5 >&2';
    const script = `chown -R 7:8 .\n${build}\nstat -c %Y,%h ${site}/${source}\n${archive}`;
    const ran = await inTree(planted(), `${script}\nchown 7:8 ${site}/shop/__pycache__/*\n${build}\n${archive}`);
    expect(ran.stderr).toBe('');
    const pycs = ['.opt-1', '.opt-2', ''].map((level) => `644 0:0 ${pyc(level)}`);
    const files = [`644 7:8 ${record}`, ...pycs, `644 7:8 ${source}`];
    expect(ran.stdout.split('\n')).toEqual(['5,1', ...files, ...files]);
  });
});
