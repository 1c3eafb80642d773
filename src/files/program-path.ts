import { accessSync, constants } from 'node:fs';
import { env } from 'node:process';
import { foreignWriter, foreignWriterOf } from './foreign-writer.ts';
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
  try {
    accessSync(path, constants.X_OK);
    return stat(path).kind === 'file';
  } catch {
    return false;
  }
}
