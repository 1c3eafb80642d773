import { placeOf, stageSynthetic } from './corpora.ts';
import { pyclinkBuild } from './peers.ts';
import type { Row } from './table.ts';
import type { Work } from './work.ts';

const sources = 20_000;
const kinds = [
  (i: number) => `/usr/lib/python3*/none${i}*`,
  (i: number) => `*none${i}.py`,
  (i: number) => `/usr/lib/none${i}`,
  (i: number) => `none${i}/**/tests`,
];

/** The cost of many --exclude globs in a dry run: none, n and 4n of them. They match nothing, so all are tried. */
export function manyGlobsWork(): Work {
  const buildroot = placeOf('many-globs/tree');
  const contestants = [0, 500, 2000].map((count) => {
    const globs = Array.from({ length: count }, (_, i) => kinds[i % kinds.length]?.(i) ?? '');
    const { command } = pyclinkBuild([0], '--dry-run', ...globs.flatMap((glob) => ['--exclude', glob]));
    return { name: `${count} globs: pyclink build --dry-run`, command, buildroot };
  });
  return {
    name: 'many-globs',
    contestants,
    prepare: async () => {
      stageSynthetic(buildroot, sources);
      return `${sources} sources`;
    },
    reset: () => undefined,
    check: () => Promise.resolve(),
    verdicts: ([none, few, many]) => {
      if (none === undefined || few === undefined || many === undefined) return [];
      const [base, n, fourfold] = [none, few, many].map(cpuSeconds) as [number, number, number];
      return [
        { what: 'CPU seconds for 500 globs', value: n - base, atMost: 1 },
        { what: 'CPU time for four times as many globs', value: (fourfold - base) / (n - base), atMost: 5 },
      ];
    },
  };
}

function cpuSeconds({ userSeconds, systemSeconds }: Row): number {
  return userSeconds + systemSeconds;
}
