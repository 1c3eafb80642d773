import { resolve } from 'node:path';

/** Staged and payload paths. The types are branded, so tsc rejects one where the other is expected. */

/** An absolute path in the buildroot: where a file is during the build. */
export type StagedPath = string & { readonly __path: 'staged' };

/** The path as installed, starting with `/`: what the package records. */
export type PayloadPath = string & { readonly __path: 'payload' };

/** How many symlinks the Linux kernel follows before it says ELOOP. */
export const maxSymlinks = 40;

/** Whether `path` is `directory` or lies below it. Both absolute and plain. */
export function contains(directory: string, path: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`);
}

/** Makes an absolute path plain: one slash at a time, no `.` or `..`, no slash at the end. `..` stops at `/`. */
export function plainPath(path: string): string {
  return resolve('/', path);
}

/** The directory part of a path, of the same kind. */
export function parentOf<P extends string>(path: P): P {
  return (path.slice(0, path.lastIndexOf('/')) || '/') as P;
}

/** A name inside a directory, of the same kind. */
export function childOf<P extends StagedPath | PayloadPath>(directory: P, name: string): P {
  return (directory === '/' ? `/${name}` : `${directory}/${name}`) as P;
}

/** The last component of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Compares strings by code unit: the order is the same on every machine and in every locale. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
