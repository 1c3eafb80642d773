import { closeSync, constants, mkdirSync, openSync, readlinkSync } from 'node:fs';
import { errnoOf, systemError } from '../errors.ts';
import { nameOf, parentOf } from './path.ts';

/** Linux's O_PATH, which Node does not name: opens a file without permission to read it. */
const O_PATH = 0o10000000;

/** The directory that is held now, and the path that reaches it. */
let holding: { readonly path: string; readonly held: string } | undefined;

/**
 * Holds a directory while `use` works with the names in it. `use` gets a path that leads to this directory even if
 * something else takes its place meanwhile. Without /proc it gets the plain path, and nothing is held. Calls for the
 * same directory may be nested.
 * @param path absolute, no symlink in it
 * @throws the system's error, and ESTALE if a symlink is on the way now, or the directory elsewhere
 */
export function withDirectory<T>(path: string, use: (held: string) => T): T {
  if (holding?.path === path) return use(holding.held);
  const outer = holding;
  const descriptor = openSync(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const held = `/proc/self/fd/${descriptor}`;
    const place = placeOf(held);
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

/** Makes a directory in one that is there, if it is not there yet. @throws the system's error */
export function makeDirectory(path: string): void {
  withDirectory(parentOf(path), (held) => {
    try {
      mkdirSync(`${held}/${nameOf(path)}`);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  });
}

/** Where the kernel says that an open file lies. */
function placeOf(held: string): string | undefined {
  try {
    return readlinkSync(held);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return undefined;
  }
}
