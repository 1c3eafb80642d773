import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, inject } from 'vitest';
import { type WorldName, worlds } from '../../test/helpers/worlds.ts';
import { stage } from '../stage.ts';
import { type Chroot, chrootOf } from './chroot.ts';
import { missingRoot, missingTools } from './tools.ts';

/** A world for one test file: what it writes there is its own. */
export interface InWorld extends Omit<Chroot, 'install'> {
  /** Where what was written in it is found, by its path there. The rest of the system may not be below. */
  readonly directory: string;
  /** Puts pyclink there as its packages do, without a package manager's knowledge. */
  readonly stagePyclink: () => void;
}

/** The mounts are seen by this command alone, and go with it. */
const enter = `mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/written,workdir=$2/work" "$2/root"
mount -t proc proc "$2/root/proc"
root=$2/root; shift 2
exec chroot "$root" "$@"`;

/** Gives a world that can be changed, with nothing of this machine in it. Whoever asks for it removes it. */
export async function inWorld(name: WorldName): Promise<InWorld> {
  const lower = worlds[name].root;
  const own = mkdtempSync(`${join(inject('chroots'), name)}-`);
  for (const part of ['written/tmp', 'work', 'root']) mkdirSync(join(own, part), { recursive: true });
  chmodSync(join(own, 'written/tmp'), 0o1777);
  const remove = () => rmSync(own, { recursive: true, force: true });
  const start = ['unshare', '--mount', 'sh', '-e', '-c', enter, 'sh', lower, own];
  const chroot = chrootOf(join(own, 'written'), start);
  if ((await chroot.attempt('true')).exitCode === 0) return withPyclink(chroot, remove);
  // No mounts, or no overlays: a copy takes half a minute, and has no /proc.
  const copy = join(own, 'root');
  await execa('cp', ['-a', '--reflink=auto', `${lower}/.`, copy]);
  return withPyclink(chrootOf(copy, ['chroot', copy]), remove);
}

function withPyclink(chroot: Omit<InWorld, 'remove' | 'stagePyclink'>, remove: () => void): InWorld {
  return { ...chroot, remove, stagePyclink: () => stage(chroot.directory) };
}

/** `describe` for what happens in a world. Without it, or without root, the tests are skipped by name. */
export function describeInWorld(name: WorldName, title: string, tests: () => void): void {
  const { missing, mayBeMissing } = worlds[name];
  const tools = [...missingTools('unshare', 'chroot'), ...missingRoot()];
  const lacking = [...(missing === undefined ? [] : [`world ${name} (${missing})`]), ...tools];
  const mayLack = process.env['CI'] !== 'true' || (missing !== undefined && mayBeMissing);
  const skip = lacking.length > 0 && mayLack;
  describe.skipIf(skip)(skip ? `${title}: SKIPPED, no ${lacking.join(', ')}` : title, tests);
}
