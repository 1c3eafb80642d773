import { errnoOf, PyclinkError } from '../errors.ts';
import { ifPossible } from '../files/if-possible.ts';
import { byCodeUnit, childOf } from '../files/path.ts';
import { lstat, lstatIfAny } from '../files/stat.ts';
import { type Buildroot, locate } from './path.ts';
import { resolveInBuildroot } from './resolve.ts';
import { isRunningSystem, kernelDirectories } from './running-system.ts';

/**
 * Expands PATHs with `*`, `?` or `[` to the directories that match below the buildroot, as a shell would: a wildcard
 * does not match a dot at the beginning of a name. `**` stands for directories at any depth. Directories named
 * `__pycache__`, symlinks and kernel file systems do not match.
 * @returns the PATHs; those that exist under this name, and those that match nothing, as they were
 * @throws PyclinkError `usage` if a directory that has to be searched cannot be
 */
export async function expandPatterns(buildroot: Buildroot, paths: readonly string[]): Promise<string[]> {
  const expanded = await Promise.all(paths.map((path) => (wildcard.test(path) ? matching(buildroot, path) : [path])));
  return expanded.flat();
}

/** Matches a PATH that may be a pattern. */
export const wildcard = /[*?[]/;

/** Characters that are special for globby, but not for a shell; `!` is special for both, but only behind `[`. */
const notForShells = /[\\(){}|+@]|(?<!\[)!/g;

async function matching(buildroot: Buildroot, pattern: string): Promise<readonly string[]> {
  // Whoever uses a PATH reports why it cannot be used.
  const search = ifPossible(() => searchOf(buildroot, pattern));
  if (search === undefined) return [pattern];
  const { directory, glob } = search;
  const ofKernel =
    isRunningSystem(buildroot) && directory === '/' ? kernelDirectories.map((path) => path.slice(1)) : [];
  const { globby } = await import('globby');
  try {
    const names = await globby(glob.replace(notForShells, '\\$&'), {
      cwd: directory,
      onlyDirectories: true,
      expandDirectories: false,
      followSymbolicLinks: false,
      ignore: ['**/__pycache__', ...ofKernel].flatMap((path) => [path, `${path}/**`]),
    });
    const isHidden = (name: string) => /(?:^|\/)\./.test(name) && !/(?:^|\/)\./.test(glob);
    const visible = names.filter((name) => !isHidden(name)).sort(byCodeUnit);
    return visible.length === 0 ? [pattern] : visible.map((name) => childOf(directory, name));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    const { path = directory } = error as NodeJS.ErrnoException;
    throw new PyclinkError('usage', `${pattern}: ${path} cannot be searched (${errno})`);
  }
}

/**
 * Parts a pattern: the directory before its first wildcard, and the rest.
 * @returns undefined if it is not a pattern, or that directory does not exist
 * @throws the system's error
 */
function searchOf(buildroot: Buildroot, pattern: string) {
  const staged = locate(buildroot, pattern);
  if (staged === undefined || lstatIfAny(staged) !== undefined) return undefined;
  const parts = staged.slice(buildroot.path.length).split('/').filter(Boolean);
  const first = parts.findIndex((part) => wildcard.test(part));
  const start = resolveInBuildroot(buildroot, parts.slice(0, first).reduce(childOf, buildroot.path));
  if (first === -1 || start.kind !== 'inside' || lstat(start.path).kind !== 'directory') return undefined;
  return { directory: start.path, glob: parts.slice(first).join('/') };
}
