import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentsOf, linkGroupsIn } from '../../test/helpers/buildroot.ts';
import { pyclink } from '../../test/helpers/pyclink.ts';
import { systemPython } from '../../test/helpers/pythons.ts';
import type { World } from '../../test/helpers/worlds.ts';
import { stage } from './compileall.ts';

/** What a machine makes of sources that this one compiles too. */
export interface Compared {
  readonly pycs: number;
  /** Pycs that are other than this machine's, in bytes, mode or links. */
  readonly differing: readonly string[];
}

const library = `/usr/lib/python${systemPython.minor}`;

/**
 * Compiles a part of this machine's standard library at three levels, with its own python3 and with another machine's.
 * @param names files and directories at the top of the library
 */
export async function compareWithMachine(machine: World, names: readonly string[]): Promise<Compared> {
  const work = mkdtempSync(join(tmpdir(), 'pyclink-machines-'));
  try {
    const ours = await build(join(work, 'ours'), systemPython.executable, names);
    const theirs = await build(join(work, 'theirs'), machine.interpreters[0] ?? machine.name, names);
    const paths = [...new Set([...ours.keys(), ...theirs.keys()])].sort();
    return { pycs: theirs.size, differing: paths.filter((path) => ours.get(path) !== theirs.get(path)) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The pycs, each with all of it that has to be the same. */
async function build(buildroot: string, python: string, names: readonly string[]): Promise<Map<string, string>> {
  stage(systemPython, join(buildroot, library), names);
  const ran = await pyclink(['build', '--buildroot', buildroot, '--python', python, '-q', library]);
  if (ran.status !== 0) throw new Error(`${python}: status ${ran.status}\n${ran.stderr}`);
  const contents = contentsOf(buildroot);
  const groups = linkGroupsIn(buildroot);
  return new Map(groups.flatMap((group) => group.map((path) => [path, `${group} ${contents[path]}`])));
}
