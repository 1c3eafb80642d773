import { ifPossible } from '../files/if-possible.ts';
import { byCodeUnit, childOf } from '../files/path.ts';
import { lstatIfAny } from '../files/stat.ts';
import { type Buildroot, locate } from './path.ts';
import { resolveInBuildroot } from './resolve.ts';

/**
 * Expands PATHs with `*`, `?` or `[` to the directories that match below the buildroot, as a shell would: it does not
 * match names that begin with a dot. `**` stands for directories at any depth. Symlinks in the matched part are not
 * followed.
 * @returns the PATHs; those that exist under this name, and those that match nothing, as they were
 */
export async function expandPatterns(buildroot: Buildroot, paths: readonly string[]): Promise<string[]> {
  const expanded = await Promise.all(paths.map((path) => (wildcard.test(path) ? matching(buildroot, path) : [path])));
  return expanded.flat();
}

const wildcard = /[*?[]/;

async function matching(buildroot: Buildroot, pattern: string): Promise<readonly string[]> {
  // Whoever uses a PATH reports why it cannot be used.
  const search = ifPossible(() => searchOf(buildroot, pattern));
  if (search === undefined) return [pattern];
  const { globby } = await import('globby');
  const names = await globby(search.glob, {
    cwd: search.directory,
    onlyDirectories: true,
    expandDirectories: false,
    followSymbolicLinks: false,
    braceExpansion: false,
    extglob: false,
    suppressErrors: true,
  });
  return names.length === 0 ? [pattern] : names.sort(byCodeUnit).map((name) => childOf(search.directory, name));
}

/** Where to search for what; undefined if it is a path. @throws the system's error */
function searchOf(buildroot: Buildroot, pattern: string) {
  const staged = locate(buildroot, pattern);
  if (staged === undefined || lstatIfAny(staged) !== undefined) return undefined;
  const parts = staged.slice(buildroot.path.length).split('/').filter(Boolean);
  const first = parts.findIndex((part) => wildcard.test(part));
  const start = resolveInBuildroot(buildroot, parts.slice(0, first).reduce(childOf, buildroot.path));
  return first === -1 || start.kind !== 'inside'
    ? undefined
    : { directory: start.path, glob: parts.slice(first).join('/') };
}
