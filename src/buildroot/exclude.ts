import type { makeRe } from 'picomatch';
import { nameOf, type PayloadPath, parentOf, plainPath, type StagedPath } from '../files/path.ts';
import { getOrAdd } from '../get-or-add.ts';

/**
 * Matches payload paths against globs. A glob without a slash matches a name anywhere. A glob that does not start with
 * a slash matches below any directory. A glob that matches a directory includes everything below it. Duplicate slashes,
 * `.` and `..` mean the same as in a path.
 */
export async function globMatcher(globs: readonly string[]): Promise<(path: string) => boolean> {
  // Without a glob, which is usual, picomatch is not loaded.
  if (globs.length === 0) return () => false;
  const isNamed = nameMatcher(globs.map(plain), (await import('picomatch')).default.makeRe);
  const directories = new Map<string, boolean>();
  const isIn = (directory: string): boolean => getOrAdd(directories, directory, () => matches(directory));
  const matches = (path: string): boolean => isNamed(path) || (path !== '/' && isIn(parentOf(path)));
  return matches;
}

function plain(glob: string): string {
  if (glob.startsWith('/')) return plainPath(glob);
  return plainPath(`/${glob}`).slice(1) || glob;
}

/** Characters that make a glob more than a plain path, and those of them that can make any part optional. */
const special = /[*?[\]{}()!+@\\|^$]/;
const optional = /[[\]{}()!\\|]/;

/** A glob that is not a plain path. A search for its words rejects most paths before the regular expression runs. */
interface Pattern {
  readonly words: readonly string[];
  readonly regex: RegExp;
}

/** Matches paths themselves, not what is below them. */
function nameMatcher(globs: readonly string[], regexOf: typeof makeRe): (path: string) => boolean {
  const paths = new Set<string>();
  const ends = new Map<string, string[]>();
  const patterns: Pattern[] = [];
  for (const glob of globs) {
    if (special.test(glob)) patterns.push(patternOf(glob, regexOf));
    else if (glob.startsWith('/')) paths.add(glob);
    else getOrAdd(ends, nameOf(glob), () => []).push(`/${glob}`);
  }
  const fits = (path: string, { words, regex }: Pattern) =>
    words.every((word) => path.includes(word)) && regex.test(path.slice(1));
  return (path) =>
    paths.has(path) ||
    (path !== '/' &&
      (ends.get(nameOf(path))?.some((end) => path.endsWith(end)) === true ||
        patterns.some((pattern) => fits(path, pattern))));
}

function patternOf(glob: string, regexOf: typeof makeRe): Pattern {
  const literal = optional.test(glob) ? glob.slice(0, glob.search(special)) : glob;
  return {
    // The last words are the most distinctive.
    words: literal.split(/[*?/]+/).reverse(),
    regex: regexOf(glob.startsWith('/') ? glob.slice(1) : `**/${glob}`, {
      dot: true,
      flags: 's',
      nonegate: true,
      // [!x], as in shells.
      posix: true,
    }),
  };
}

/** Says what `--exclude-regex` (searches the staged path) and `--exclude` (matches the payload path) exclude. */
export async function excluder(
  regexes: readonly RegExp[],
  globs: readonly string[],
): Promise<(staged: StagedPath, payload: PayloadPath) => boolean> {
  const matchesGlob = await globMatcher(globs);
  return (staged, payload) => regexes.some((regex) => regex.test(staged)) || matchesGlob(payload);
}
