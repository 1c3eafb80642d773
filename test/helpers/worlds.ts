import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { thisRelease } from './release.ts';

/** A Debian system that integration/worlds/make keeps beside this machine's own. */
export interface World {
  readonly name: string;
  /** Its root directory. */
  readonly root: string;
  /** Its interpreters, as commands that run outside of it, sorted. */
  readonly interpreters: readonly string[];
  /** The names of its interpreters' packages, which are known without it. */
  readonly wantedInterpreters: readonly string[];
  /** Why it is not there. */
  readonly missing?: string;
  /** What cannot be had every day may be missing in a CI too. */
  readonly mayBeMissing: boolean;
}

const names = ['trixie', 'sid'] as const;
export type WorldName = (typeof names)[number];

const directory = process.env['PYCLINK_WORLDS'] || '/var/cache/pyclink/worlds';
const lists = join(import.meta.dirname, '../../integration/worlds');

export const worlds = Object.fromEntries(names.map((name) => [name, worldNamed(name)])) as Readonly<
  Record<WorldName, World>
>;

/** Systems of other architectures than this machine's, with little more than the python3 of its release. */
export const machines: readonly World[] = ['i386', 'arm64', 's390x'].map((architecture) =>
  worldNamed(`${thisRelease}-${architecture}`, 'machine'),
);

function worldNamed(name: string, list = name): World {
  const [root, commands] = [join(directory, name), join(directory, 'bin', name)];
  const packages = readFileSync(join(lists, `${list}.packages`), 'utf8').split('\n');
  const missing = reasonIfMissing(root);
  return {
    name,
    root,
    interpreters:
      missing === undefined
        ? readdirSync(commands)
            .sort()
            .map((file) => join(commands, file))
        : [],
    wantedInterpreters: packages.filter((line) => /^(python3\.\d+|pypy3)$/.test(line)),
    ...(missing === undefined ? {} : { missing }),
    mayBeMissing: name !== 'trixie',
  };
}

function reasonIfMissing(root: string): string | undefined {
  const reason = `${root}.missing`;
  if (existsSync(reason)) return readFileSync(reason, 'utf8').trim().replace(/^E: /, '');
  return existsSync(root) ? undefined : 'run integration/setup';
}

/** The upstream versions of packages in a world, by name; a package that is not installed has none. */
export function versionsIn({ root }: World, packages: readonly string[]): Readonly<Record<string, string>> {
  const format = '${db:Status-Abbrev}\t${Package}\t${source:Upstream-Version}\n';
  const args = ['--admindir', join(root, 'var/lib/dpkg'), '--show', '--showformat', format, ...packages];
  const { stdout } = execaSync('dpkg-query', args, { reject: false });
  const installed = (stdout ?? '').split('\n').flatMap((line) => {
    const [status, name = '', version = ''] = line.split('\t');
    return status === 'ii ' ? [[name, version.replace(/[+~].*/, '')]] : [];
  });
  return Object.fromEntries(installed);
}
