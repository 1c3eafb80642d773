import { accessSync, constants } from 'node:fs';
import { env } from 'node:process';
import { errnoOf } from '../errors.ts';
import { foreignWriter, foreignWriterOf } from './foreign-writer.ts';
import { ifRefused } from './if-possible.ts';
import { stat } from './stat.ts';

/**
 * The PATH for finding and running programs. It leaves out directories that somebody other than root and this user can
 * write to, and relative ones.
 */
export function trustedPath(): string {
  const directories = (env['PATH'] ?? '').split(':');
  const trusted = directories.filter((directory) => directory.startsWith('/') && isTrusted(directory));
  // An empty PATH would mean the current directory.
  return trusted.join(':') || '/nonexistent';
}

function isTrusted(directory: string): boolean {
  return foreignWriter(directory) === undefined && foreignWriterOf(stat(directory)) === undefined;
}

/** Whether a path leads to a program that this user may execute. */
export function isProgram(path: string): boolean {
  return programProblem(path) === undefined;
}

/** Why this user cannot execute an existing path; undefined if it leads to a program. */
export function programProblem(path: string): string | undefined {
  const check = () => {
    accessSync(path, constants.X_OK);
    return stat(path).kind === 'file' ? undefined : 'is not a file';
  };
  return ifRefused(check, (error) =>
    errnoOf(error) === 'ENOENT' ? 'is a dangling symlink' : `cannot be executed (${errnoOf(error)})`,
  );
}
