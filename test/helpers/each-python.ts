import { it } from 'vitest';
import { allPythons, type MissingPython, missingPythons, type RealPython } from './pythons.ts';

export interface Pythons {
  readonly pythons: readonly RealPython[];
  readonly missing: readonly MissingPython[];
}

/**
 * A test for each interpreter. One that is missing is skipped by name; in a CI its test fails, unless it may be missing.
 * @param name what the test says of the interpreter, which stands where `$name` does
 */
export function itOnEachPython(
  name: string,
  test: (python: RealPython) => void | Promise<void>,
  { pythons, missing }: Pythons = { pythons: allPythons, missing: missingPythons },
): void {
  for (const python of pythons) it(name.replace('$name', python.name), () => test(python));
  for (const { name: python, reason, mayBeMissing } of missing) {
    const skip = mayBeMissing || process.env['CI'] !== 'true';
    const title = name.replace('$name', python);
    it.skipIf(skip)(skip ? `${title}: SKIPPED, ${reason}` : title, () => {
      throw new Error(reason);
    });
  }
}

/** The interpreters of CPython's minor versions that satisfy a condition. */
export function pythonsWhere(wanted: (minor: number) => boolean): Pythons {
  const isWanted = ({ name }: { readonly name: string }) => wanted(Number(/3\.(\d+)/.exec(name)?.[1]));
  return { pythons: allPythons.filter(isWanted), missing: missingPythons.filter(isWanted) };
}
