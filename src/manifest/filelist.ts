import { isCacheOfInterpreter } from '../buildroot/python-directory.ts';
import { byCodeUnit, type PayloadPath, parentOf } from '../files/path.ts';
import type { PycRecord } from './schema.ts';

/**
 * Makes a list for `%files -f`: the package's own `__pycache__` directories, then the pycs, one per line.
 * @returns the text, and the paths that are not in it, because no rpm pattern matches only them
 * @see rpm's build/files.c; measured on rpm 4.18, 4.20 and 6.1
 */
export function encodeFilelist(records: readonly PycRecord[]) {
  const paths = records.flatMap((record) => record.paths).sort(byCodeUnit);
  const inCaches = records.filter(({ cacheTag }) => cacheTag === undefined).flatMap((record) => record.paths);
  const directories = [...new Set(inCaches.map(parentOf))]
    .filter((path) => !isCacheOfInterpreter(path))
    .sort(byCodeUnit);
  const unlisted = new Set([...directories, ...paths].filter((path) => patternFor(path) === undefined));
  const lines = (of: readonly PayloadPath[], before = '') =>
    of.flatMap((path) => (unlisted.has(path) ? [] : `${before}${patternFor(path)}\n`));
  return {
    text: [...lines(directories, '%dir '), ...lines(paths)].join(''),
    unlisted: [...unlisted].filter((path) => !unlisted.has(parentOf(path))),
  };
}

/** rpm refuses control characters, treats backslashes differently from 4.18 on, and expands pairs of braces. */
const unlistable = /[\0-\x1f\x7f\\]|\{.*\}/s;

/**
 * A pattern that matches only this path in every rpm; undefined if there is none. Quotes keep blanks together, but rpm
 * 4.18 has no escapes in quotes, and splits globs at blanks even in quotes.
 */
function patternFor(path: PayloadPath): string | undefined {
  if (unlistable.test(path)) return undefined;
  if (path.includes(' ')) return /[*?[{%"]/.test(path) ? undefined : `"${path}"`;
  // In a glob, a class with one character stands for that character, and quotes need a backslash.
  if (/[*?[\]{}%]/.test(path)) return path.replace(/[*?[\]{}%]/g, '[$&]').replace(/["']/g, '\\$&');
  return path.includes('"') ? path : `"${path}"`;
}
