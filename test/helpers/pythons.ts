import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execaSync } from 'execa';
import { worlds } from './worlds.ts';

/** A real interpreter that runs on this machine. */
export interface RealPython {
  /** For the names of tests: `Python 3.14.10 (sid)` */
  readonly name: string;
  readonly executable: string;
  /** `3.11` */
  readonly minor: string;
  readonly version: string;
  readonly cacheTag: string;
  /** Where its standard library is. */
  readonly library: string;
}

/** An interpreter that tests would run on if it were there. */
export interface MissingPython {
  /** As a RealPython's, but that only the package is known: `python3.14 (sid)` */
  readonly name: string;
  readonly reason: string;
  /** Whether even a CI does without it. */
  readonly mayBeMissing: boolean;
}

const isPypy = (name: string) => basename(name).startsWith('pypy');

/** The distribution's own python3. */
export const systemPython: RealPython = ask('/usr/bin/python3', 'system') ?? missingSystemPython();

/** The distribution's own pypy3, if it is installed. */
const systemPypy: RealPython | undefined = ask('/usr/bin/pypy3', 'system');

const ofWorlds = Object.values(worlds).flatMap((world) =>
  world.interpreters.map((command) => ask(command, world.name) ?? missingWorldPython(command)),
);

/** Every CPython from 3.6 on that this machine has: the distribution's, those that pyenv installed, and the worlds'. */
export const allPythons: readonly RealPython[] = [
  systemPython,
  ...pyenvPythons(),
  ...ofWorlds.filter(({ executable }) => !isPypy(executable)),
];

/** Every PyPy: the distribution's, if it is installed, and the worlds'. */
export const allPypys: readonly RealPython[] = [
  ...(systemPypy === undefined ? [] : [systemPypy]),
  ...ofWorlds.filter(({ executable }) => isPypy(executable)),
];

const missing = Object.values(worlds).flatMap(({ name, missing: reason, mayBeMissing, wantedInterpreters }) =>
  reason === undefined
    ? []
    : wantedInterpreters.map((wanted) => ({
        name: `${wanted} (${name})`,
        reason: `no world ${name}: ${reason}`,
        mayBeMissing,
      })),
);

export const missingPythons: readonly MissingPython[] = missing.filter(({ name }) => !isPypy(name));

export const missingPypys: readonly MissingPython[] = [
  ...(systemPypy === undefined
    ? [{ name: 'pypy3 (system)', reason: 'no pypy3: run integration/setup', mayBeMissing: false }]
    : []),
  ...missing.filter(({ name }) => isPypy(name)),
];

function pyenvPythons(): RealPython[] {
  const versions = join(process.env['PYENV_ROOT'] ?? join(process.env['HOME'] ?? '/', '.pyenv'), 'versions');
  let names: string[];
  try {
    names = readdirSync(versions);
  } catch {
    return [];
  }
  return names.flatMap((name) => ask(join(versions, name, 'bin/python3'), 'pyenv') ?? []);
}

function ask(executable: string, where: string): RealPython | undefined {
  const question =
    'import sys, os; print("%d.%d" % sys.version_info[:2], "%d.%d.%d" % sys.version_info[:3],' +
    ' sys.implementation.cache_tag, os.path.dirname(os.__file__))';
  const { stdout, failed } = execaSync(executable, ['-S', '-c', question], { reject: false });
  if (failed || typeof stdout !== 'string') return undefined;
  const [minor = '', version = '', cacheTag = '', library = ''] = stdout.split(' ');
  const name = `${isPypy(cacheTag) ? 'PyPy' : 'Python'} ${version} (${where})`;
  return Number(minor.split('.')[1]) >= 6 ? { name, executable, minor, version, cacheTag, library } : undefined;
}

function missingSystemPython(): never {
  throw new Error('There is no /usr/bin/python3: run integration/setup');
}

function missingWorldPython(command: string): never {
  throw new Error(`${command} does not run: run integration/setup`);
}
