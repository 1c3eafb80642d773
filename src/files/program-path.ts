import { env } from 'node:process';
import { foreignWriter, foreignWriterOf } from './foreign-writer.ts';
import { stat } from './stat.ts';

/**
 * The PATH with which programs are started by their names, and in which they find others: without directories in which
 * somebody other than root and this user could put a program, and without those that depend on the current directory.
 */
export function trustedPath(): string {
  const directories = (env['PATH'] ?? '').split(':');
  const trusted = directories.filter((directory) => directory.startsWith('/') && isTrusted(directory));
  // An empty PATH is the current directory.
  return trusted.join(':') || '/nonexistent';
}

function isTrusted(directory: string): boolean {
  return foreignWriter(directory) === undefined && foreignWriterOf(stat(directory)) === undefined;
}
