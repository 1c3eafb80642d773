/** What `python3 -v` says of the modules that it imports. */

/** Python's options for each optimization level, and what the names of its pycs end in. */
export const pycSuffixes: readonly (readonly [options: readonly string[], suffix: string])[] = [
  [[], '.pyc'],
  [['-O'], '.opt-1.pyc'],
  [['-OO'], '.opt-2.pyc'],
];

/** The files that Python loaded code from: pycs, and sources that it compiled. */
export function loadedFiles(output: string): string[] {
  return Array.from(output.matchAll(/^# code object from '?([^'\n]+)/gm), ([, path = '']) => path);
}
