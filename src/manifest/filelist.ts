import { isCacheOfInterpreter } from '../buildroot/python-directory.ts';
import { byCodeUnit, type PayloadPath, parentOf } from '../files/path.ts';
import type { PycRecord } from './schema.ts';

/** A list for `%files -f`. */
export interface Filelist {
  readonly text: string;
  /** What it lacks: rpm has no pattern for these that would not take other files too. */
  readonly unlisted: readonly PayloadPath[];
}

/**
 * Lists the `__pycache__` directories that are the package's own, then the pycs, one a line.
 * @see rpm's build/files.c; measured on rpm 4.18, 4.20 and 6.1
 */
export function encodeFilelist(records: readonly PycRecord[]): Filelist {
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

/** rpm refuses control characters; 4.18 and later versions read backslashes differently; all expand pairs of braces. */
const unlistable = /[\0-\x1f\x7f\\]|\{.*\}/s;

/**
 * What every rpm takes for this path and for nothing else; undefined if there is no such pattern. Blanks are kept
 * together by quotes, but rpm 4.18 has no escapes within quotes, and splits globs at blanks in spite of them.
 */
function patternFor(path: PayloadPath): string | undefined {
  if (unlistable.test(path)) return undefined;
  if (path.includes(' ')) return /[*?[{%"]/.test(path) ? undefined : `"${path}"`;
  // In a glob, a class of one character stands for that character, and quotes need a backslash.
  if (/[*?[\]{}%]/.test(path)) return path.replace(/[*?[\]{}%]/g, '[$&]').replace(/["']/g, '\\$&');
  return path.includes('"') ? path : `"${path}"`;
}
