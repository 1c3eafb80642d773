import { lstatSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { everythingIn, temporaryDirectory } from '../../test/helpers/buildroot.ts';

/** A directory outside the buildroot that nobody may write to. */
export interface Canary {
  readonly directory: string;
  /** `m.py` in it. */
  readonly file: string;
  /** Its fingerprint: equal before and after. */
  readonly state: () => unknown;
}

/** Makes a directory outside the buildroot with a source in it whose mtime is old. */
export function plantCanary(text: string): Canary {
  const directory = join(temporaryDirectory(), 'outside');
  const file = join(directory, 'm.py');
  mkdirSync(directory);
  writeFileSync(file, text);
  utimesSync(file, 1_600_000_000, 1_600_000_000);
  // A file inside may have been another name of one here, and be no longer.
  const state = () => fingerprintOf(directory).map(({ nlink: _nlink, ctimeNs: _ctimeNs, ...rest }) => rest);
  return { directory, file, state };
}

/** All that can be known of a tree, the times of the last change of each file and directory too. */
export function fingerprintOf(directory: string) {
  return ['.', ...everythingIn(directory)].map((name) => {
    const path = join(directory, name);
    const { ino, mode, nlink, uid, gid, size, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
    const content = lstatSync(path).isFile() ? readFileSync(path, 'base64') : undefined;
    return { name, ino, mode, nlink, uid, gid, size, mtimeNs, ctimeNs, content };
  });
}
