import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, inject } from 'vitest';
import type { thisRelease } from '../../test/helpers/release.ts';
import { type World, type WorldName, worlds } from '../../test/helpers/worlds.ts';
import { stage } from '../stage.ts';
import { type Chroot, chrootOf } from './chroot.ts';
import { missingRoot, missingTools } from './tools.ts';

/** A world, or this machine's own system. */
export type Place = WorldName | typeof thisRelease;

/** A world for one test file: what it writes there is its own. */
export interface InWorld extends Omit<Chroot, 'install'> {
  /** What is below: the files as they were. */
  readonly lower: string;
  /** Where what was written in it is found, by its path there. The rest of the system may not be below. */
  readonly directory: string;
  /** Puts pyclink there as its packages do, without a package manager's knowledge. */
  readonly stagePyclink: () => void;
}

/** The mounts are seen by this command alone, and go with it. */
const enter = `mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/written,workdir=$2/work" "$2/merged"
mount -t proc proc "$2/merged/proc"
[ "$1" != / ] || mount --rbind /dev "$2/merged/dev"
root=$2/merged; shift 2
exec chroot "$root" "$@"`;

/**
 * Gives a world that can be changed, with nothing of this machine in it, or a second system of this machine. Whoever
 * asks for it removes it.
 */
export async function inWorld(name: Place): Promise<InWorld> {
  const lower = isWorld(name) ? worlds[name].root : '/';
  // An overlay may not lie within the file system that it lies over.
  const own = mkdtempSync(isWorld(name) ? `${join(inject('chroots'), name)}-` : '/dev/shm/pyclink-');
  for (const part of ['written/tmp', 'work', 'merged']) mkdirSync(join(own, part), { recursive: true });
  chmodSync(join(own, 'written/tmp'), 0o1777);
  const remove = () => rmSync(own, { recursive: true, force: true });
  const start = ['unshare', '--mount', 'sh', '-e', '-c', enter, 'sh', lower, own];
  const chroot = chrootOf(join(own, 'written'), start);
  if ((await chroot.attempt('true')).exitCode === 0) return withPyclink(chroot, lower, remove);
  if (!isWorld(name)) throw new Error('an overlay over this machine cannot be mounted');
  // No mounts, or no overlays: a copy takes half a minute, and has no /proc.
  const copy = join(own, 'merged');
  await execa('cp', ['-a', '--reflink=auto', `${lower}/.`, copy]);
  return withPyclink(chrootOf(copy, ['chroot', copy]), lower, remove);
}

function withPyclink(chroot: ReturnType<typeof chrootOf>, lower: string, remove: () => void): InWorld {
  return { ...chroot, lower, remove, stagePyclink: () => stage(chroot.directory) };
}

function isWorld(name: Place): name is WorldName {
  return name in worlds;
}

/** `describe` for what happens in a world. Without it, or without root, the tests are skipped by name. */
export function describeInWorld(name: Place, title: string, tests: () => void): void {
  const { missing, mayBeMissing }: Partial<World> = isWorld(name) ? worlds[name] : {};
  const tools = [...missingTools('unshare', 'chroot'), ...missingRoot()];
  const lacking = [...(missing === undefined ? [] : [`world ${name} (${missing})`]), ...tools];
  const mayLack = process.env['CI'] !== 'true' || (missing !== undefined && mayBeMissing === true);
  const skip = lacking.length > 0 && mayLack;
  describe.skipIf(skip)(skip ? `${title}: SKIPPED, no ${lacking.join(', ')}` : title, tests);
}
