import { nameOf, type PayloadPath } from '../files/path.ts';

/** The names of files other than pycs that tools leave next to modules. */
export const leftoverNames = /\.nb[ic]$|^\.coverage(?:\.|$)|\.py,cover$/;

/**
 * Which tool left a file behind while testing or running. No build writes such files.
 * @see PYC_TAIL in _pytest/assertion/rewrite.py, IndexDataCacheFile in numba/core/caching.py, `coverage annotate`
 */
export function leftoverReason(path: PayloadPath): string | undefined {
  const name = nameOf(path);
  const pytest = /-pytest-(?<version>[^/]+)\.py[co]$/i.exec(name)?.groups?.['version'];
  if (pytest !== undefined) return `written by pytest ${pytest} while testing`;
  if (/\.nb[ic]$/.test(name)) return 'written by numba while running: machine code for one kind of processor';
  return leftoverNames.test(name) ? 'written by coverage while testing' : undefined;
}
