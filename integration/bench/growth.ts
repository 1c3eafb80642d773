import { linkSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execaSync } from 'execa';
import { bundle } from '../../test/helpers/pyclink.ts';
import { placeOf, stageSynthetic } from './corpora.ts';
import type { Row, Verdict } from './table.ts';
import type { Entry, Work } from './work.ts';

/** A command whose cost must not grow faster than its input. */
interface Growth {
  readonly name: string;
  /** The name of the input of which there are n and 4n. */
  readonly what: string;
  readonly n: number;
  /** Makes a buildroot, and other input next to it. */
  readonly stage: (buildroot: string, count: number) => void;
  readonly words: (buildroot: string) => readonly string[];
}

const library = 'usr/lib/python3/dist-packages';
const manifestOf = (buildroot: string) => join(dirname(buildroot), 'manifest.json');
const pyclink = (...words: readonly string[]) => execaSync(process.execPath, [bundle, ...words]);

/** Modules of one directory, built and then copied without links. */
function stageCopied(buildroot: string, count: number): void {
  const built = `${buildroot}-built`;
  stageSynthetic(built, count, count);
  pyclink('build', '-q', '--buildroot', built, '--manifest', manifestOf(buildroot));
  execaSync('cp', ['-r', '--preserve=timestamps', built, buildroot]);
}

/** One source under many names. */
function stageNames(buildroot: string, count: number): void {
  const directory = join(buildroot, library, 'names');
  mkdirSync(directory, { recursive: true });
  const source = join(directory, 'm.py');
  writeFileSync(source, 'x = 1\n');
  utimesSync(source, 1_600_000_000, 1_600_000_000);
  for (let i = 1; i < count; i++) linkSync(source, join(directory, `m${i}.py`));
}

const build = (buildroot: string, ...more: readonly string[]) => ['build', '-q', '--buildroot', buildroot, ...more];
const restamp = (buildroot: string) => ['restamp', '-q', '--buildroot', buildroot, '--mtime', '5'];

const growths: readonly Growth[] = [
  {
    name: 'audit',
    what: 'modules with three pycs each, which are audited',
    n: 8334,
    stage: (buildroot, count) => {
      stageSynthetic(buildroot, count);
      pyclink(...build(buildroot, '--no-link'));
    },
    words: (buildroot) => ['audit', '-q', '--fail-on', 'damaged', buildroot],
  },
  {
    name: 'relink',
    what: 'modules of one directory, whose links are gone',
    n: 5000,
    stage: stageCopied,
    words: (buildroot) => ['relink', '-q', '--buildroot', buildroot, '--manifest', manifestOf(buildroot)],
  },
  {
    name: 'restamp',
    what: 'modules of one directory',
    n: 5000,
    stage: stageCopied,
    words: (buildroot) => [...restamp(buildroot), '--manifest', manifestOf(buildroot)],
  },
  {
    name: 'many-names',
    what: 'names of one source, whose mtime is set',
    n: 2500,
    stage: stageNames,
    words: (buildroot) => build(buildroot, '--mtime', '5'),
  },
  {
    name: 'restamp-names',
    what: 'names of one source',
    n: 2500,
    stage: (buildroot, count) => {
      stageNames(buildroot, count);
      pyclink(...build(buildroot));
    },
    words: restamp,
  },
];

/** The cost of commands for n and 4n of something. */
export function growthWorks(): Work[] {
  return growths.map(({ name, what, n, stage, words }) => {
    const contestants = [4 * n, n].map(
      (count): Entry => ({
        name: `${count} ${what}`,
        buildroot: placeOf(`${name}/${count}/buildroot`),
        command: (buildroot) => ({ argv: [process.execPath, bundle, ...words(buildroot)] }),
      }),
    );
    return {
      name,
      contestants,
      prepare: () => {
        for (const [i, { buildroot }] of contestants.entries()) {
          mkdirSync(dirname(buildroot), { recursive: true });
          stage(buildroot, i === 0 ? 4 * n : n);
          execaSync('mv', [buildroot, `${buildroot}-template`]);
        }
        return Promise.resolve(`${n} and ${4 * n} ${what}`);
      },
      reset: ({ buildroot }) => {
        execaSync('rm', ['-rf', buildroot]);
        execaSync('cp', ['-a', `${buildroot}-template`, buildroot]);
      },
      check: () => Promise.resolve(),
      verdicts: linear,
    };
  });
}

/** The cost per item with four times as many, including the start. */
function linear([large, small]: readonly Row[]): Verdict[] {
  if (large === undefined || small === undefined) return [];
  const cpu = ({ userSeconds, systemSeconds }: Row) => userSeconds + systemSeconds;
  return [
    { what: 'CPU time of each, 4n to n', value: cpu(large) / cpu(small) / 4, atMost: 1.2 },
    { what: 'peak memory, 4n to n', value: large.peakBytes / small.peakBytes, atMost: 4 },
  ];
}
