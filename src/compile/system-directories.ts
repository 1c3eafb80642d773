import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { isInterpreterName } from '../buildroot/python-directory.ts';
import { ifPossible } from '../files/if-possible.ts';
import { isProgram } from '../files/program-path.ts';
import { isGone } from '../files/stat.ts';
import { type Environment, workerEnvironment } from './environment.ts';
import { trusted } from './trusted-program.ts';

/** Where interpreters are installed, besides the directories in PATH. */
const programDirectories = ['/usr/bin', '/usr/local/bin'];

/** Prints an interpreter's directories, one per line; nothing before 3.6. Ignores modules in the current directory. */
const query = `
import sys
del sys.path[0]
import site, sysconfig
if sys.version_info >= (3, 6):
    print(*{sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), *site.getsitepackages()}, sep="\\n")
`;

/**
 * The directories that the interpreters of the running system use: the library and the site-packages of each trusted
 * interpreter in PATH or a usual place; libraries with their interpreter next to them (`bin/pythonX.Y` with
 * `lib/pythonX.Y`); and users' own site-packages.
 * @param libraries all directories `lib/pythonX.Y`
 * @returns the directories, and a line for each interpreter whose directories are unknown
 * @see PEP 370
 */
export async function systemDirectories(environment: Environment, libraries: readonly string[]) {
  const searched = [...programDirectories, ...(environment['PATH'] ?? '').split(':')].filter((directory) =>
    directory.startsWith('/'),
  );
  const programs = [...new Set(searched)].flatMap((directory) =>
    (ifPossible(() => readdirSync(directory)) ?? [])
      .filter(isInterpreterName)
      .map((name) => join(directory, name))
      .filter(isProgram)
      .map(trusted),
  );
  const env = workerEnvironment(environment);
  const started = programs.flatMap((program) => ('path' in program ? program.path : []));
  const asked = [...new Set(started)].map(async (program) => {
    const options = { env, extendEnv: false, reject: false, timeout: 60_000, stdin: 'ignore' } as const;
    const { failed, stdout } = await execa(program, ['-s', '-S', '-B', '-c', query], options);
    return failed ? [] : stdout.split('\n');
  });
  const own = libraries.filter((library) => !isGone(join(library, '../../bin', basename(library))));
  const ofUsers = libraries.filter((library) => /\/\.local\/lib\/[^/]+$/.test(library) && !own.includes(library));
  const isFound = (library: string) => searched.some((directory) => isProgram(join(directory, basename(library))));
  const directories = [
    ...(await Promise.all(asked)).flat(),
    ...own,
    ...ofUsers.filter(isFound).map((library) => join(library, 'site-packages')),
  ];
  const unread = ofUsers.filter((library) => !isFound(library));
  return {
    directories: [...new Set(directories.filter((directory) => directory.startsWith('/')))].sort(),
    passedOver: [
      ...programs.flatMap((program) => ('distrusted' in program ? program.distrusted : [])),
      ...unread.map((library) => `${library} is skipped: there is no ${basename(library)}`),
    ].sort(),
  };
}
