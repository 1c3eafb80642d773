import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { missingRoot, missingTools } from './tools.ts';

/** What is missing to make and to enter a chroot. */
export const chrootTools = [...missingTools('mmdebstrap', 'chroot'), ...missingRoot()];

/** A Debian system of its own. */
export interface Chroot {
  readonly directory: string;
  /** Runs a command in it. @throws if the command fails */
  inside(
    command: string,
    ...args: string[]
  ): Promise<{ readonly stdout: string; readonly stderr: string; readonly all: string }>;
  remove(): void;
}

/**
 * Makes a chroot that apt can install packages in.
 * @param release its code name
 * @param packages what it has besides apt
 */
export async function makeChroot(release: string, packages: readonly string[] = []): Promise<Chroot> {
  const directory = mkdtempSync(join(tmpdir(), 'pyclink-chroot-'));
  const include = packages.map((name) => `--include=${name}`);
  const options = ['--variant=apt', '--quiet', '--skip=cleanup/apt/lists', ...include];
  await execa('mmdebstrap', [...options, release, directory], { env: { TMPDIR: '/tmp' } });
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
  const inside = (command: string, ...args: string[]) =>
    execa('chroot', [directory, command, ...args], { env, extendEnv: false, all: true });
  return { directory, inside, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
