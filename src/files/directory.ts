import { closeSync, constants, mkdirSync, openSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../errors.ts';

/** Linux has it and Node does not name it: such a descriptor stands for a file and asks for no permission to read it. */
const O_PATH = 0o10000000;

/** The directory that is held, and what its names are joined to. */
let holding: { readonly path: string; readonly held: string } | undefined;

/**
 * Holds a directory while `use` works with the names in it: whatever takes its place meanwhile, a name joined to what
 * `use` is given leads to this directory. Where no /proc is mounted, that is the plain path, and nothing is held. Within
 * `use` the same directory is held only once.
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
      throw Object.assign(new Error(`ESTALE: a directory was replaced meanwhile, open '${path}'`), { code: 'ESTALE' });
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
  withDirectory(dirname(path), (held) => {
    try {
      mkdirSync(join(held, basename(path)));
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
