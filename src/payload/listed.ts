import { nameOf, type PayloadPath } from '../files/path.ts';
import type { PayloadEntry, Search } from './entry.ts';

/** Returns a function that says which names of a container a search lists. */
export function listedBy({
  names,
  paths,
  directories,
}: Search): (path: PayloadPath, type: PayloadEntry['type']) => boolean {
  return (path, type) =>
    type === 'symlink' ||
    (type === 'directory' && directories === true) ||
    names.test(nameOf(path)) ||
    paths?.has(path) === true;
}
