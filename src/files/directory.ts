import { closeSync, constants, mkdirSync, openSync, readlinkSync } from 'node:fs';
import { systemError } from '../errors.ts';
import { ifErrno } from './if-possible.ts';
import { nameOf, parentOf } from './path.ts';

/** Linux's O_PATH, for which Node.js has no constant: opens a file without read permission. */
const O_PATH = 0o10000000;

/** The directory that is held, and the path that leads to it. */
let holding: { readonly path: string; readonly held: string } | undefined;

/**
 * Holds a directory open while `use` works with names in it. `use` gets a path that leads to this directory even if
 * something else replaces it in the meantime. Without /proc, `use` gets the plain path and nothing is held. Calls for
 * the same directory may be nested.
 * @param path absolute, without symlinks
 * @throws the system's error; ESTALE if the path now contains a symlink or the directory has moved
 */
export function withDirectory<T>(path: string, use: (held: string) => T): T {
  if (holding?.path === path) return use(holding.held);
  const outer = holding;
  const descriptor = openSync(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const held = `/proc/self/fd/${descriptor}`;
    const place = ifErrno('ENOENT', () => readlinkSync(held));
    if (place !== undefined && place !== path) {
      throw systemError('ESTALE', `a directory was replaced meanwhile, open '${path}'`);
    }
    holding = { path, held: place === undefined ? path : held };
    return use(holding.held);
  } finally {
    holding = outer;
    closeSync(descriptor);
  }
}

/** Makes a directory if it does not exist, and holds its parent, which must exist. @throws the system's error */
export function makeDirectory(path: string): void {
  withDirectory(parentOf(path), (held) => makeIfMissing(`${held}/${nameOf(path)}`));
}

/** Makes a directory if nothing has its name. @throws the system's error */
export function makeIfMissing(path: string, mode = 0o777): void {
  ifErrno('EEXIST', () => mkdirSync(path, mode));
}
