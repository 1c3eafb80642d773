import type { Planted } from '../../test/helpers/buildroot.ts';

const listable = [
  'plain',
  'with space',
  `it's`,
  `it's a space`,
  'q"uote',
  'say"so"',
  '[ab]',
  'b]',
  '{open',
  '}{',
  'star*',
  'what?',
  `"*'`,
  '100%',
  '%name',
  '%%',
  '%{open',
  '#hash',
  '-!^~$&;(',
  'é*',
];
const unlistable = ['back\\slash', '{a,b}', '{a}', 'with space*', 'say "so"'];

/** Modules with names that mean something to rpm, and files with which a careless pattern would take them for. */
export interface OddNames {
  readonly plant: Readonly<Record<string, Planted>>;
  /** The pycs at level 0 that a list can name, sorted. */
  readonly listed: readonly string[];
  /** Those that it cannot. */
  readonly unlisted: readonly string[];
}

/** @param directory where the modules are, as installed @param cacheTag of the interpreter that compiles them */
export function oddNames(directory: string, cacheTag: string): OddNames {
  const names = [...listable, ...unlistable];
  const pyc = (name: string) => `${directory}/__pycache__/${name}.${cacheTag}.pyc`;
  const special = /[^a-z0-9é]/g;
  const others = names.flatMap((name) => [
    name.replace(special, ''),
    name.replace(special, 'a'),
    name.replace(special, 'x'),
    name.replace(/[[{](.).*/, '$1'),
    name.replace(/["'\\%]/g, ''),
    name.replace(/["'\\%]/g, '\\$&'),
    name.replace(/%/g, '%%'),
    name.replace(/[*?]/g, 'longer'),
  ]);
  return {
    plant: Object.fromEntries([
      ...others.filter((name) => !names.includes(name)).map((name) => [pyc(name), 'not of the build']),
      ...names.map((name) => [`${directory}/${name}.py`, 'x = 1\n']),
    ]),
    listed: listable.map(pyc).sort(),
    unlisted: unlistable.map(pyc).sort(),
  };
}
