import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { missingRoot, missingTools } from './tools.ts';

/** What is missing to make and to enter a chroot. */
export const chrootTools = [...missingTools('mmdebstrap', 'chroot'), ...missingRoot()];

/** A Debian system of its own. */
export interface Chroot {
  readonly directory: string;
  /** Runs a command in it as root. @throws unless its status is 0 */
  readonly inside: (
    command: string,
    ...args: string[]
  ) => Promise<{ readonly stdout: string; readonly stderr: string; readonly all: string }>;
  /** Puts packages into it. @returns their paths there */
  readonly carry: (debs: readonly string[]) => string[];
  /** Has apt install packages, by name or by path there, and what they depend on. */
  readonly install: (...packages: readonly string[]) => Promise<unknown>;
  readonly remove: () => void;
}

/** The code name of this machine's release. */
export const thisRelease = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';

/**
 * Makes a chroot that apt can install packages in.
 * @param release its code name
 * @param packages what it has besides apt
 */
export async function makeChroot(release: string, packages: readonly string[] = []): Promise<Chroot> {
  const directory = mkdtempSync(join(tmpdir(), 'pyclink-chroot-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const include = packages.map((name) => `--include=${name}`);
  const options = ['--variant=apt', '--quiet', '--skip=cleanup/apt/lists', ...include];
  try {
    await execa('mmdebstrap', [...options, release, directory], { env: { TMPDIR: '/tmp' } });
  } catch (error) {
    remove();
    throw error;
  }
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
  const inside = (command: string, ...args: readonly string[]) =>
    execa('chroot', [directory, command, ...args], { env, extendEnv: false, all: true });
  return {
    directory,
    inside,
    carry: (debs) =>
      debs.map((deb) => {
        copyFileSync(deb, join(directory, 'tmp', basename(deb)));
        return `/tmp/${basename(deb)}`;
      }),
    install: (...packages) => inside('apt-get', 'install', '-y', '-q', '--no-install-recommends', ...packages),
    remove,
  };
}
