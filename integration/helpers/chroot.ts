import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { inject } from 'vitest';
import { missingRoot, missingTools } from './tools.ts';

/** What is missing to make and to enter a chroot. */
export const chrootTools = [...missingTools('mmdebstrap', 'flock', 'chroot'), ...missingRoot()];

interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly all: string;
}

/** A Debian system of its own. */
export interface Chroot {
  readonly directory: string;
  /** Runs a command in it as root. @throws unless its status is 0 */
  readonly inside: (command: string, ...args: string[]) => Promise<Output>;
  /** Runs a command that may fail. */
  readonly attempt: (command: string, ...args: string[]) => Promise<Output & { readonly exitCode?: number }>;
  /** Puts packages into it. @returns their paths there */
  readonly carry: (debs: readonly string[]) => string[];
  /** Has apt install packages, by name or by path there, and what they depend on. */
  readonly install: (...packages: readonly string[]) => Promise<unknown>;
  readonly remove: () => void;
}

/** The first caller makes the base system, and others wait for it. */
const makeBase = `if [ ! -e "$1" ]; then
  mmdebstrap --variant=apt --quiet --skip=cleanup/apt/lists --dpkgopt=force-unsafe-io "$0" "$1.new"
  mv "$1.new" "$1"
fi`;

/**
 * Makes a chroot that has apt, its lists, and little else.
 * @param release its code name
 */
export async function makeChroot(release: string): Promise<Chroot> {
  const base = join(inject('chroots'), release);
  await execa('flock', [`${base}.lock`, 'sh', '-e', '-c', makeBase, release, base], { env: { TMPDIR: '/tmp' } });
  const directory = mkdtempSync(`${base}-`);
  await execa('cp', ['-a', `${base}/.`, directory]);
  const chroot = chrootOf(directory, ['chroot', directory]);
  return {
    ...chroot,
    install: (...packages) => chroot.inside('apt-get', 'install', '-y', '-q', '--no-install-recommends', ...packages),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** @param start what a command is put behind to run there */
export function chrootOf(directory: string, start: readonly string[]): Omit<Chroot, 'install' | 'remove'> {
  const [starter = '', ...words] = start;
  const options = {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    extendEnv: false,
    all: true,
  } as const;
  return {
    directory,
    inside: (...command) => execa(starter, [...words, ...command], options),
    attempt: (...command) => execa(starter, [...words, ...command], { ...options, reject: false }),
    carry: (debs) => {
      mkdirSync(join(directory, 'tmp'), { recursive: true });
      return debs.map((deb) => {
        copyFileSync(deb, join(directory, 'tmp', basename(deb)));
        return `/tmp/${basename(deb)}`;
      });
    },
  };
}
