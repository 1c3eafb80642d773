import { env } from 'node:process';
import { foreignWriter } from './foreign-writer.ts';

/**
 * The PATH with which programs are started by their names, and in which they find others: without directories in which
 * somebody other than root and this user could put a program, and without those that depend on the current directory.
 */
export function trustedPath(): string {
  const directories = (env['PATH'] ?? '').split(':');
  const trusted = directories.filter(
    (directory) => directory.startsWith('/') && foreignWriter(directory) === undefined,
  );
  // An empty PATH is the current directory.
  return trusted.join(':') || '/nonexistent';
}
