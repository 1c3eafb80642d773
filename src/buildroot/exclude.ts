import picomatch from 'picomatch';
import type { PayloadPath, StagedPath } from '../files/path.ts';

/**
 * Matches payload paths against globs. A glob without a slash matches a name anywhere. One that does not start with a
 * slash matches below any directory. A glob that matches a directory includes everything below it.
 */
export function globMatcher(globs: readonly string[]): (path: string) => boolean {
  if (globs.length === 0) return () => false;
  const anchored = globs.map(
    (glob) => (glob.startsWith('/') ? glob.replace(/^\/+/, '') : `**/${glob}`).replace(/\/+$/, '') || '**',
  );
  const matches = picomatch(
    anchored.flatMap((glob) => [glob, `${glob}/**`]),
    { dot: true, flags: 's' },
  );
  return (path) => matches(path.slice(1));
}

/** What `--exclude-regex` (searches the staged path) and `--exclude` (matches the payload path) leave out. */
export function excluder(
  regexes: readonly RegExp[],
  globs: readonly string[],
): (staged: StagedPath, payload: PayloadPath) => boolean {
  const matchesGlob = globMatcher(globs);
  return (staged, payload) => regexes.some((regex) => regex.test(staged)) || matchesGlob(payload);
}
