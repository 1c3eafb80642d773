import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';

/** A real interpreter of this machine. */
export interface RealPython {
  readonly executable: string;
  /** `3.11` */
  readonly minor: string;
  readonly version: string;
  readonly cacheTag: string;
  /** Where its standard library is. */
  readonly library: string;
}

/** The distribution's own python3. */
export const systemPython: RealPython = ask('/usr/bin/python3') ?? missingSystemPython();

/** The distribution's own pypy3, if it is installed. */
export const systemPypy: RealPython | undefined = ask('/usr/bin/pypy3');

/** Every CPython from 3.6 on that this machine has: the distribution's, and those that pyenv installed. */
export const allPythons: readonly RealPython[] = [systemPython, ...pyenvPythons()];

function pyenvPythons(): RealPython[] {
  const versions = join(process.env['PYENV_ROOT'] ?? join(process.env['HOME'] ?? '/', '.pyenv'), 'versions');
  let names: string[];
  try {
    names = readdirSync(versions);
  } catch {
    return [];
  }
  return names.flatMap((name) => ask(join(versions, name, 'bin/python3')) ?? []);
}

function ask(executable: string): RealPython | undefined {
  const question =
    'import sys, os; print("%d.%d" % sys.version_info[:2], "%d.%d.%d" % sys.version_info[:3],' +
    ' sys.implementation.cache_tag, os.path.dirname(os.__file__))';
  const { stdout, failed } = execaSync(executable, ['-S', '-c', question], { reject: false });
  if (failed || typeof stdout !== 'string') return undefined;
  const [minor = '', version = '', cacheTag = '', library = ''] = stdout.split(' ');
  return Number(minor.split('.')[1]) >= 6 ? { executable, minor, version, cacheTag, library } : undefined;
}

function missingSystemPython(): never {
  throw new Error('There is no /usr/bin/python3: run integration/setup');
}
