/** A pyc never has permission bits that its source has not, but that its owner may write it. */
import { chmodSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { everythingIn, plantBuildroot } from '../test/helpers/buildroot.ts';
import { bundle, pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { healthyText, library } from './helpers/healthy.ts';
import { describeWith, missingRoot } from './helpers/tools.ts';

/** Permission bits of sources, and those of their pycs with a umask of 022: what py_compile gives. */
const expected = {
  '600': '600',
  '640': '640',
  '644': '644',
  '444': '644',
  '666': '644',
  '755': '644',
  '4755': '644',
  '2640': '640',
  '200': '200',
  '0': '200',
};

/** A source of each mode, and symlinks to two that not all may read: one as the build sees it, one as the installed system does. */
function planted(): string {
  const sources = Object.keys(expected).map((mode) => {
    const file = { content: `${healthyText}mode = ${mode}\n`, mode: Number.parseInt(mode, 8), mtime: 1_600_000_000 };
    return [`${library}/m${mode}.py`, file] as const;
  });
  return plantBuildroot({
    ...Object.fromEntries(sources),
    [`${library}/symlink.py`]: { symlink: 'm600.py' },
    [`${library}/absolute.py`]: { symlink: `${library}/m640.py` },
  });
}

/** The modes of all pycs, by the mode in the name of their source. */
function modesIn(tree: string, missing = 0): Record<string, string> {
  const pycs = everythingIn(tree).filter((path) => path.endsWith('.pyc'));
  expect(pycs).toHaveLength(3 * (Object.keys(all).length - missing));
  const found = pycs.map((path) => {
    const [, name = ''] = /__pycache__\/m?(\w+)\./.exec(path) ?? [];
    return [name, (lstatSync(join(tree, path)).mode & 0o7777).toString(8)] as const;
  });
  expect(new Set(found.map((one) => one.join()))).toHaveLength(Object.keys(all).length - missing);
  return Object.fromEntries(found);
}

const all = { ...expected, symlink: '600', absolute: '640' };

describeWith(missingRoot(), 'the modes of pycs', () => {
  const build = (tree: string, ...more: string[]) => pyclink(['build', '-q', '--buildroot', tree, ...more]);

  it.each([[[]], [['--no-link', '--no-normalize']], [['-j8']], [['--invalidation-mode', 'checked-hash']]])(
    'are those of the sources with %j',
    async (more) => {
      const tree = planted();
      expect(await build(tree, ...more)).toEqual({ status: 0, stdout: '', stderr: '' });
      expect(modesIn(tree)).toEqual(all);
    },
  );

  it('are the same as with compileall', async () => {
    const [tree, theirs] = [planted(), planted()];
    await build(tree);
    await execa(systemPython.executable, ['-m', 'compileall', '-q', '-o0', '-o1', '-o2', theirs]);
    const { absolute: _, ...followed } = modesIn(tree);
    expect(followed).toEqual(modesIn(theirs, 1));
  });

  it('come from the source, not from the build that filled the cache', async () => {
    const [tree, other] = [planted(), planted()];
    const cache = join(tree, '../cache');
    for (const path of everythingIn(other).filter((name) => /m\d+\.py$/.test(name)))
      chmodSync(join(other, path), 0o666);
    await build(other, '--cache-dir', cache);
    const ran = await pyclink(['build', '--json', '--buildroot', tree, '--cache-dir', cache]);
    expect(JSON.parse(ran.stdout)).toMatchObject({ cache: { local: Object.keys(expected).length } });
    expect(modesIn(tree)).toEqual(all);
  });

  it.each(['000', '077'])('are never more than those with a umask of %s', async (umask) => {
    const tree = planted();
    const command = `umask ${umask} && exec "$0" "$@"`;
    await execa('sh', ['-c', command, process.execPath, bundle, 'build', '-q', '--buildroot', tree]);
    for (const [source, mode] of Object.entries(modesIn(tree))) {
      const most =
        Number.parseInt(({ symlink: '600', absolute: '640' } as Record<string, string>)[source] ?? source, 8) | 0o200;
      expect([source, Number.parseInt(mode, 8) & ~most, Number.parseInt(mode, 8) & Number.parseInt(umask, 8)]).toEqual([
        source,
        0,
        0,
      ]);
    }
  });

  it('follow the narrowed modes of sources, with --keep-current', async () => {
    const tree = planted();
    await build(tree);
    const pycs = everythingIn(tree).filter((path) => path.endsWith('.pyc'));
    for (const path of pycs) chmodSync(join(tree, path), 0o644);
    const before = readFileSync(join(tree, pycs[0] as string));
    const ran = await pyclink(['build', '--json', '--keep-current', '--buildroot', tree]);
    // m444, m644, m666, m755 and m4755.
    expect(JSON.parse(ran.stdout)).toMatchObject({ current: 5 });
    expect(modesIn(tree)).toEqual(all);
    expect(readFileSync(join(tree, pycs[0] as string))).toEqual(before);
  });
});
