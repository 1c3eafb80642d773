/** Files that cannot be restamped: their sources stay as they are, with all pycs, and the others are done. */
import { chmodSync, chownSync, lstatSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect, it, onTestFinished } from 'vitest';
import { everythingIn, plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { library, pycsOf, quietBuild } from './helpers/healthy.ts';
import { describeWhere, lackingAbilities, missingRoot } from './helpers/tools.ts';

const nobody = 65_534;
const [first, hindered, last] = ['a', 'm', 'z'].map((name) => `${library}/${name}.py`) as [string, string, string];

interface Tree {
  readonly buildroot: string;
  readonly source: string;
  /** By level; those of 0 and 1 are one file. */
  readonly pycs: readonly string[];
}

async function built(): Promise<Tree> {
  const text = { content: '"""Docs."""\nitems = []\n', mtime: 1_600_000_000 };
  const buildroot = plantBuildroot({ [first]: text, [hindered]: text, [last]: text });
  expect((await pyclink(quietBuild(buildroot))).status).toBe(0);
  return { buildroot, source: join(buildroot, hindered), pycs: pycsOf(hindered).map((path) => join(buildroot, path)) };
}

const restamp = ({ buildroot }: Tree, uid?: number) =>
  pyclink(['restamp', '--buildroot', buildroot, '--mtime', '5'], uid === undefined ? {} : { uid });

/** What must stay of a source and its pycs. */
function stateOf({ source, pycs }: Tree) {
  return [source, ...pycs].map((path) => {
    const { ino, nlink, mode, uid, mtimeMs } = lstatSync(path);
    return { path, ino, nlink, mode, uid, mtimeMs, bytes: readFileSync(path, 'base64') };
  });
}

/** Whether a source has the new mtime, and its pycs too. */
function expectRestamped(buildroot: string, source: string): void {
  expect(lstatSync(join(buildroot, source)).mtimeMs).toBe(5000);
  for (const pyc of pycsOf(source)) expect(readFileSync(join(buildroot, pyc)).readUInt32LE(8)).toBe(5);
}

async function run(...words: [string, ...string[]]): Promise<void> {
  await execa(words[0], words.slice(1));
}

async function immutable(path: string): Promise<void> {
  await run('chattr', '+i', path);
  onTestFinished(() => run('chattr', '-i', path));
}

async function mountedOnItself(path: string): Promise<void> {
  await run('mount', '--bind', path, path);
  onTestFinished(() => run('umount', path));
}

/** Gives the tree to another user. */
async function owned({ buildroot }: Tree): Promise<void> {
  chmodSync(dirname(buildroot), 0o755);
  await run('chown', '-R', `${nobody}:${nobody}`, buildroot);
}

type Hinder = (tree: Tree) => Promise<number | undefined>;

/** Each makes a restamp of one source fail. Returns who calls restamp, if not root. */
const hindrances: Record<string, [Hinder, message: string]> = {
  'the first pyc is immutable': [
    async ({ pycs }) => void (await immutable(pycs[0] as string)) as undefined,
    'left unchanged, with its source: cannot be replaced (EPERM)',
  ],
  'the last pyc is immutable': [
    async ({ pycs }) => void (await immutable(pycs[2] as string)) as undefined,
    'left unchanged, with its source: cannot be replaced (EPERM)',
  ],
  'the source is immutable': [
    async ({ source }) => void (await immutable(source)) as undefined,
    'left unchanged, with its source: the mtime of its source cannot be set (EPERM)',
  ],
  'a pyc is a mount point': [
    async ({ pycs }) => void (await mountedOnItself(pycs[2] as string)) as undefined,
    'left unchanged, with its source: cannot be replaced (EXDEV)',
  ],
  'the source is a read-only mount': [
    async ({ source }) => {
      await mountedOnItself(source);
      await run('mount', '-o', 'remount,ro,bind', source);
      return undefined;
    },
    'left unchanged, with its source: the mtime of its source cannot be set (EROFS)',
  ],
  'a pyc has another owner': [
    async (tree) => {
      await owned(tree);
      chownSync(tree.pycs[2] as string, 0, 0);
      return nobody;
    },
    'left unchanged, with its source: cannot be replaced (EPERM)',
  ],
  'a pyc may not be read': [
    async (tree) => {
      await owned(tree);
      chmodSync(tree.pycs[2] as string, 0);
      return nobody;
    },
    'left unchanged, with its source: it cannot be read (EACCES)',
  ],
  'the source has another owner': [
    async (tree) => {
      await owned(tree);
      chownSync(tree.source, 0, 0);
      return nobody;
    },
    'left unchanged, with its source: the mtime of its source cannot be set (EPERM)',
  ],
  'the source may not be read': [
    async (tree) => {
      await owned(tree);
      chmodSync(tree.source, 0);
      return nobody;
    },
    'left unchanged, with its source: the mtime of its source cannot be set (EACCES)',
  ],
};

describeWhere(
  [...missingRoot(), ...lackingAbilities('mounts', 'immutable files')],
  'restamp, where one source cannot be done',
  () => {
    it.each(Object.entries(hindrances))('%s: it stays with all of its pycs', async (_, [hinder, message]) => {
      const tree = await built();
      const uid = await hinder(tree);
      const [before, names] = [stateOf(tree), everythingIn(tree.buildroot)];
      const { status, stdout, stderr } = await restamp(tree, uid);
      expect(stateOf(tree)).toEqual(before);
      const left = message.includes('mtime') ? 3 : 1;
      expect({ status, stdout }).toEqual({
        status: 1,
        stdout: `pyclink: 3 sources, 6 pycs restamped, ${left} left unchanged\n`,
      });
      expect(stderr).toContain(`${message}\n`);
      expect(stderr.match(/error/g)).toHaveLength(left);
      for (const other of [first, last]) expectRestamped(tree.buildroot, other);
      expect(everythingIn(tree.buildroot)).toEqual(names);
    });

    it('a __pycache__ is a read-only mount: its files do not change', async () => {
      const tree = await built();
      const cache = dirname(tree.pycs[0] as string);
      await mountedOnItself(cache);
      await run('mount', '-o', 'remount,ro,bind', cache);
      const before = stateOf(tree);
      const { status, stdout, stderr } = await restamp(tree);
      expect({ status, stdout }).toEqual({
        status: 1,
        stdout: 'pyclink: 3 sources, 0 pycs restamped, 3 left unchanged\n',
      });
      expect(stderr.match(/cannot be replaced \(EROFS\)/g)).toHaveLength(3);
      expect(stateOf(tree)).toEqual(before);
    });
  },
);
