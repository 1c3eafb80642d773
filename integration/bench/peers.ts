import { availableParallelism } from 'node:os';
import { bundle } from '../../test/helpers/pyclink.ts';
import { missingTools } from '../helpers/tools.ts';
import type { Command } from './measure.ts';

/** A program that can do the work. */
export interface Contestant {
  readonly name: string;
  /** Commands that run one after the other, and are measured as one. */
  readonly command: (buildroot: string) => Command;
  /** The required program, and the Debian package with it. */
  readonly needs?: readonly [tool: string, debianPackage: string];
  /** So slow that it runs only once. */
  readonly once?: boolean;
}

export const cpus = availableParallelism();

const python = '/usr/bin/python3';
const flags = ['-s', '-S', '-B', '-m', 'compileall', '-q'];
const hook = (name: string) => new URL(`../../hooks/${name}`, import.meta.url).pathname;

export function pyclinkBuild(levels: readonly number[], ...more: string[]): Contestant {
  const optimize = levels.flatMap((level) => ['-o', `${level}`]);
  return {
    name: ['pyclink build', ...more].join(' '),
    command: (buildroot) => ({
      argv: [process.execPath, bundle, ...build(buildroot), ...optimize, ...more],
    }),
  };
}

/** A build with this many jobs that reports the CPU time of its main thread. */
export function pyclinkBuildProbed(levels: readonly number[], jobs: number): Contestant {
  const { command } = pyclinkBuild(levels, `-j${jobs}`);
  return {
    name: `pyclink build -j${jobs}`,
    command: (buildroot) => {
      const [node, ...words] = command(buildroot).argv;
      return { argv: [node, '-r', new URL('probe.cjs', import.meta.url).pathname, ...words] };
    },
  };
}

/** The same for compileall. */
export function compileallProbed(levels: readonly number[], jobs: number): Contestant {
  const { name, command } = compileall(levels, jobs);
  return {
    name,
    command: (buildroot) => {
      const words = command(buildroot).argv.slice(1);
      const probe = new URL('probe.py', import.meta.url).pathname;
      return {
        argv: [python, ...words.map((word) => (word === 'compileall' ? probe : word)).filter((word) => word !== '-m')],
      };
    },
  };
}

/** Started as in a packager's build, through the shell script that finds node. */
export function pyclinkHook(): Contestant {
  return {
    name: 'hooks/pyclink build',
    command: (buildroot) => ({ argv: [hook('pyclink'), ...build(buildroot)] }),
  };
}

export const pyclinkVersion: Contestant = {
  name: 'pyclink --version',
  command: () => ({ argv: [process.execPath, bundle, '--version'] }),
};

export const emptyNode: Contestant = { name: 'node -e 0', command: () => ({ argv: [process.execPath, '-e', '0'] }) };

export const pyclinkLink: Contestant = {
  name: 'pyclink link',
  command: (buildroot) => ({ argv: [process.execPath, bundle, 'link', '--buildroot', buildroot] }),
};

export function compileall(levels: readonly number[], jobs: number, link = true, force = true): Contestant {
  const optimize = levels.flatMap((level) => ['-o', `${level}`]);
  return {
    name: `compileall -j${jobs}${link ? ' --hardlink-dupes' : ''}${force ? '' : ' without -f'}`,
    command: (buildroot) => ({
      argv: [
        python,
        ...flags,
        ...(force ? ['-f'] : []),
        ...optimize,
        `-j${jobs}`,
        ...(link ? ['--hardlink-dupes'] : []),
        ...['--invalidation-mode', 'timestamp', '-s', buildroot, '-p', '/', buildroot],
      ],
    }),
  };
}

export const hardlink: Contestant = {
  name: 'hardlink',
  command: (buildroot) => ({ argv: ['hardlink', '-q', '-c', '-i', '\\.pyc$', buildroot] }),
  needs: ['hardlink', 'util-linux'],
};

export const jdupes: Contestant = {
  name: 'jdupes',
  command: (buildroot) => ({ argv: ['jdupes', '-q', '-r', '-L', '-X', 'onlyext:pyc', buildroot] }),
  needs: ['jdupes', 'jdupes'],
};

export const rdfind: Contestant = {
  name: 'rdfind',
  command: (buildroot) => ({
    argv: ['rdfind', '-makehardlinks', 'true', '-makeresultsfile', 'false', buildroot],
  }),
  needs: ['rdfind', 'rdfind'],
};

export const brpPythonHardlink: Contestant = {
  name: 'brp-python-hardlink',
  command: (buildroot) => ({
    argv: ['/usr/lib/rpm/brp-python-hardlink'],
    environment: { RPM_BUILD_ROOT: buildroot },
  }),
  needs: ['/usr/lib/rpm/brp-python-hardlink', 'rpm'],
  once: true,
};

/** Two peers in sequence, measured as one. */
export function inTurn(first: Contestant, second: Contestant): Contestant {
  const quoted = ({ argv }: Command) => argv.map((word) => `'${word}'`).join(' ');
  return {
    name: `${first.name}, then ${second.name}`,
    command: (buildroot) => ({
      argv: ['/bin/sh', '-ec', `${quoted(first.command(buildroot))}; ${quoted(second.command(buildroot))}`],
    }),
    ...(second.needs === undefined ? {} : { needs: second.needs }),
  };
}

export function isMissing({ needs }: Contestant): boolean {
  return needs !== undefined && missingTools(needs[0]).length > 0;
}

function build(buildroot: string): string[] {
  return ['build', '-q', '--buildroot', buildroot, '--python', python, '--manifest', `${buildroot}.json`, '/'];
}
