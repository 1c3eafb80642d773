import { createHash } from 'node:crypto';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { everythingIn } from '../../test/helpers/buildroot.ts';

/** The pycs of a tree, by relative path: which file each is, and its bytes. */
export type Tree = ReadonlyMap<string, { readonly inode: number; readonly sha256: string }>;

export function readTree(buildroot: string): Tree {
  const digests = new Map<number, string>();
  const pycs = everythingIn(buildroot).filter((path) => path.endsWith('.pyc'));
  return new Map(
    pycs.map((path) => {
      const file = join(buildroot, path);
      const inode = lstatSync(file).ino;
      const sha256 = digests.get(inode) ?? createHash('sha256').update(readFileSync(file)).digest('hex');
      digests.set(inode, sha256);
      return [path, { inode, sha256 }];
    }),
  );
}

/** @throws unless both hold the same paths with the same bytes */
export function requireSameBytes(name: string, ours: Tree, theirs: Tree): void {
  requireSamePaths(name, ours, theirs);
  const other = [...ours].find(([path, { sha256 }]) => theirs.get(path)?.sha256 !== sha256);
  if (other !== undefined) throw new Error(`${name}: other bytes in ${other[0]}`);
}

/** @throws unless both hold the same paths, and what is one file in theirs is one file in ours */
export function requireAllLinksOf(name: string, ours: Tree, theirs: Tree): void {
  requireSamePaths(name, ours, theirs);
  const oursOf = new Map<number, number>();
  for (const [path, { inode }] of theirs) {
    const mine = ours.get(path)?.inode as number;
    if ((oursOf.get(inode) ?? mine) !== mine) throw new Error(`${name} links ${path}, pyclink does not`);
    oursOf.set(inode, mine);
  }
}

/** @throws unless the pycs of a source that are equal in bytes are one file */
export function requireFullyLinked(name: string, tree: Tree): void {
  const first = new Map<string, number>();
  for (const [path, { inode, sha256 }] of tree) {
    const key = `${path.replace(/(\.opt-[12])?\.pyc$/, '')} ${sha256}`;
    if ((first.get(key) ?? inode) !== inode) throw new Error(`${name}: ${path} is not linked`);
    first.set(key, inode);
  }
}

/** @throws unless each pyc has the same header and equal code in both directories */
export async function requireEqualCode(paths: readonly string[], ours: string, theirs: string): Promise<void> {
  const script = [
    'import marshal, sys',
    'def read(directory, path):',
    '    with open(directory + "/" + path, "rb") as file: data = file.read()',
    '    return data[:16], marshal.loads(data[16:])',
    'for path in sys.stdin.read().split("\\n"):',
    '    if read(sys.argv[1], path) != read(sys.argv[2], path): sys.exit(path)',
  ].join('\n');
  await execa('/usr/bin/python3', ['-c', script, ours, theirs], { input: paths.join('\n') });
}

function requireSamePaths(name: string, ours: Tree, theirs: Tree): void {
  const extra =
    [...ours.keys()].find((path) => !theirs.has(path)) ?? [...theirs.keys()].find((path) => !ours.has(path));
  if (extra !== undefined) throw new Error(`${name}: not in both trees: ${extra}`);
}
