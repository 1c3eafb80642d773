/**
 * The first magic number of each minor version of CPython 3; the numbers in between are pre-releases'.
 * @see Lib/importlib/_bootstrap_external.py and Include/internal/pycore_magic_number.h
 */
const firstOfMinor: readonly (readonly [number, number])[] = [
  [3360, 6],
  [3390, 7],
  [3400, 8],
  [3420, 9],
  [3430, 10],
  [3450, 11],
  [3500, 12],
  [3550, 13],
  [3600, 14],
  [3650, 15],
];
const endOfKnown = 3700;

/** Which interpreter writes this magic number, as far as it is known: `CPython 3.11`, `PyPy3`. */
export function interpreterOfMagicNumber(magicNumber: number): string | undefined {
  if (magicNumber < 1000) return 'PyPy3';
  if (magicNumber >= endOfKnown) return undefined;
  const minor = firstOfMinor.findLast(([first]) => magicNumber >= first)?.[1];
  return minor === undefined ? undefined : `CPython 3.${minor}`;
}

/** The final releases of CPython 3.6 to 3.13, whose whole standard libraries the tests compile in every way. */
const tested: ReadonlySet<number> = new Set([3379, 3394, 3413, 3425, 3439, 3495, 3531, 3571]);

/** Whether it was shown for an interpreter which code is the same at two levels: see levels.py. */
export function mayReuseLevels(magicNumber: number): boolean {
  return tested.has(magicNumber);
}
