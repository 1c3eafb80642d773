import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { homeOfEnvironment } from '../buildroot/python-directory.ts';
import { messageOf } from '../errors.ts';
import { foreignWriter } from '../files/foreign-writer.ts';
import { readRegular } from '../files/read-regular.ts';

/** A program that may be started, or the reason why it may not. */
export type Candidate = { readonly path: string } | { readonly distrusted: string };

/**
 * Decides whether an interpreter that was found, not named, may be started: only if nobody but root and this user
 * controls what runs. It is started under the name that was found, if nobody else controls that name; otherwise by its
 * real path, as from another user's virtual environment to the system's Python.
 * @param found an absolute path to an existing program
 */
export function trusted(found: string): Candidate {
  const real = realpathSync.native(found);
  const path = [found, real].find((name) => distrust(name) === undefined);
  return path === undefined ? { distrusted: `${found} is not started: ${distrust(real)}` } : { path };
}

/** Why a program must not be started under this name. A `pyvenv.cfg` next to it decides which library it reads. */
function distrust(program: string): string | undefined {
  const problem = foreignWriter(program);
  if (problem !== undefined) return problem;
  try {
    const besides = [join(program, '../pyvenv.cfg'), join(program, '../../pyvenv.cfg')];
    const homes = besides.flatMap((file) => homeOfEnvironment(readRegular(file)?.content.toString() ?? '') ?? []);
    return homes.map(foreignWriter).find((reason) => reason !== undefined);
  } catch (error) {
    return messageOf(error);
  }
}
