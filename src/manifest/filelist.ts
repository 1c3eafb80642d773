import { byCodeUnit, type PayloadPath, parentOf } from '../files/path.ts';
import type { PycRecord } from './schema.ts';

/**
 * The text for `%files -f`: the `__pycache__` directories that are the package's own, then the pycs, one a line.
 * @see rpm's build/files.c; measured on rpm 4.18
 */
export function encodeFilelist(records: readonly PycRecord[]): string {
  const paths = records.flatMap((record) => record.paths).sort(byCodeUnit);
  const directories = [...new Set(paths.map(parentOf))].filter((path) => !shared.test(path)).sort(byCodeUnit);
  const lines = [...directories.map((directory) => `%dir ${quoted(directory)}`), ...paths.map(quoted)];
  return lines.map((line) => `${line}\n`).join('');
}

/** Where the package of an interpreter has its own `__pycache__`, so that no other has to own it. */
const shared =
  /^\/(?:usr|app)\/lib(?:64)?\/(?:python3|python\d\.\d+t?|pypy3(?:\.\d+)?)(?:\/(?:site|dist)-packages)?\/__pycache__$/;

const special = /[[\]*?{}\\"%'\n]/g;

/**
 * rpm has no escape for what it reads as glob, macro or quote: `?` matches each of these characters. A name with such a
 * `?` is a glob, which rpm parts at blanks, quotes or not.
 */
function quoted(path: PayloadPath): string {
  const glob = path.replace(special, '?');
  return `"${glob.includes('?') ? glob.replace(/\s/g, '?') : glob}"`;
}
