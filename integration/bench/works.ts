import { execaSync } from 'execa';
import { everythingIn } from '../../test/helpers/buildroot.ts';
import {
  countModules,
  manyPackages,
  placeOf,
  stagePackages,
  stageStandardLibrary,
  stageSynthetic,
  tellLevelsApart,
} from './corpora.ts';
import { measure } from './measure.ts';
import {
  brpPythonHardlink,
  type Contestant,
  compileall,
  cpus,
  hardlink,
  inTurn,
  jdupes,
  pyclinkBuild,
  pyclinkHook,
  pyclinkLink,
  rdfind,
} from './peers.ts';
import { mebibytes, type Row, type Verdict } from './table.ts';
import { readTree, requireAllLinksOf, requireEqualCode, requireFullyLinked, requireSameBytes } from './trees.ts';

/** A contestant in a buildroot of its own. */
export interface Entry extends Contestant {
  readonly buildroot: string;
}

/** Something to do, and who does it; the first is what is judged. */
export interface Work {
  readonly name: string;
  /** Makes the buildroots. @returns what there is in them, in words */
  prepare(): Promise<string>;
  readonly contestants: readonly Entry[];
  /** Takes back what the last run did. */
  reset(entry: Entry): void;
  /** Compares what came out. @throws if it is not equal */
  check(finished: readonly Entry[]): Promise<void>;
  verdicts(rows: readonly Row[]): Verdict[];
}

const three = [0, 1, 2];

export const works: readonly Work[] = [
  compileWork(
    'three-levels',
    (buildroot) => stagePackages(buildroot, manyPackages),
    [
      pyclinkBuild(three),
      compileall(three, cpus),
      compileall(three, 1),
      ...[hardlink, jdupes, rdfind].map((peer) => inTurn(compileall(three, cpus, false), peer)),
    ],
    { peer: `compileall -j${cpus} --hardlink-dupes`, atMost: 0.6 },
  ),
  compileWork(
    'two-levels',
    (buildroot) => stagePackages(buildroot, manyPackages),
    [pyclinkBuild([0, 1]), compileall([0, 1], cpus)],
    { peer: `compileall -j${cpus} --hardlink-dupes`, atMost: 0.7 },
  ),
  compileWork('library', stageStandardLibrary, [pyclinkBuild(three), compileall(three, cpus)], {
    peer: `compileall -j${cpus} --hardlink-dupes`,
    atMost: 0.6,
  }),
  compileWork(
    'small',
    (buildroot) => stagePackages(buildroot, ['python3-packaging']),
    [pyclinkHook(), compileall(three, 1), compileall(three, cpus)],
    { peer: 'compileall -j1 --hardlink-dupes', atMost: 1 },
  ),
  linkWork(),
  scaleWork(),
  normalizeWork(),
];

function compileWork(
  name: string,
  stage: (buildroot: string) => Promise<void> | void,
  peers: readonly Contestant[],
  target: { readonly peer: string; readonly atMost: number },
): Work {
  const contestants = entriesOf(name, peers);
  return {
    name,
    contestants,
    prepare: async () => {
      for (const { buildroot } of contestants) await stage(buildroot);
      return `${countModules((contestants[0] as Entry).buildroot)} modules`;
    },
    reset: removeCaches,
    check: async ([ours, ...others]) => {
      const tree = readTree((ours as Entry).buildroot);
      requireFullyLinked('pyclink', tree);
      for (const { name: peer, buildroot } of others) requireAllLinksOf(peer, tree, readTree(buildroot));
      const [peer] = others;
      if (peer !== undefined) await requireEqualCode([...tree.keys()], (ours as Entry).buildroot, peer.buildroot);
    },
    verdicts: (rows) => wallVerdict(rows.find((row) => row.name === target.peer) ?? rows[1], target.atMost),
  };
}

function linkWork(): Work {
  const contestants = entriesOf('link', [pyclinkLink, hardlink, jdupes, rdfind, brpPythonHardlink]);
  const template = placeOf('link/template');
  return {
    name: 'link',
    contestants,
    prepare: async () => {
      await stagePackages(template, manyPackages);
      await measure(compileall(three, cpus, false).command(template));
      execaSync('find', [template, '-name', '*.py', '-delete']);
      return `${readTree(template).size} pycs that are not linked`;
    },
    reset: ({ buildroot }) => {
      execaSync('rm', ['-rf', buildroot]);
      execaSync('cp', ['-a', template, buildroot]);
    },
    check: async ([ours, ...others]) => {
      const [tree, before] = [readTree((ours as Entry).buildroot), readTree(template)];
      requireSameBytes('pyclink link', tree, before);
      requireFullyLinked('pyclink link', tree);
      for (const { name, buildroot } of others) requireAllLinksOf(name, tree, readTree(buildroot));
    },
    verdicts: (rows) => {
      const fastest = rows.slice(1).sort((a, b) => a.wallSeconds - b.wallSeconds)[0];
      return wallVerdict(fastest, 0.25);
    },
  };
}

function scaleWork(): Work {
  const sizes = [100_000, 10_000, 1_000];
  const contestants = sizes.map((size) => ({
    ...pyclinkBuild(three),
    name: `pyclink build, ${size} sources`,
    buildroot: placeOf(`scale/${size}`),
  }));
  return {
    name: 'scale',
    contestants,
    prepare: async () => {
      for (const [i, { buildroot }] of contestants.entries()) stageSynthetic(buildroot, sizes[i] as number);
      return sizes.join(', ');
    },
    reset: removeCaches,
    check: async (entries) => {
      for (const { name, buildroot } of entries) requireFullyLinked(name, readTree(buildroot));
    },
    verdicts: ([large, medium, small]) => {
      if (large === undefined || medium === undefined || small === undefined) return [];
      const each = ({ wallSeconds }: Row, sources: number) => wallSeconds / sources;
      const cpu = ({ userSeconds, systemSeconds }: Row, sources: number) => (userSeconds + systemSeconds) / sources;
      return [
        { what: 'peak memory, 100,000 to 10,000', value: large.peakBytes / medium.peakBytes, atMost: 2 },
        { what: 'peak MiB at 100,000', value: Number(mebibytes(large.peakBytes)), atMost: 300 },
        {
          what: 'wall time a source, 100,000 to 1,000',
          value: each(large, 100_000) / each(small, 1000),
          atMost: 1.1,
        },
        { what: 'CPU time a source, 100,000 to 1,000', value: cpu(large, 100_000) / cpu(small, 1000), atMost: 1.1 },
      ];
    },
  };
}

/** What normal form costs where nothing is saved by it: every level of every module is another. */
function normalizeWork(): Work {
  const contestants = entriesOf('normalize', [pyclinkBuild(three), pyclinkBuild(three, '--no-normalize')]);
  return {
    name: 'normalize',
    contestants,
    prepare: async () => {
      for (const { buildroot } of contestants) {
        await stagePackages(buildroot, manyPackages);
        tellLevelsApart(buildroot);
      }
      return `${countModules((contestants[0] as Entry).buildroot)} modules with three different levels`;
    },
    reset: removeCaches,
    check: async ([ours, theirs]) => {
      if (ours === undefined || theirs === undefined) return;
      const paths = [...readTree(ours.buildroot).keys()];
      await requireEqualCode(paths, ours.buildroot, theirs.buildroot);
    },
    verdicts: () => [],
  };
}

function entriesOf(work: string, contestants: readonly Contestant[]): Entry[] {
  return contestants.map((one, i) => ({ ...one, buildroot: placeOf(`${work}/${i}`) }));
}

function removeCaches({ buildroot }: Entry): void {
  const caches = everythingIn(buildroot).filter((path) => path.endsWith('/__pycache__'));
  execaSync('xargs', ['-d', '\\n', '-r', 'rm', '-rf'], { cwd: buildroot, input: caches.join('\n') });
}

function wallVerdict(row: Row | undefined, atMost: number): Verdict[] {
  return row?.wallRatio === undefined
    ? []
    : [{ what: `wall time against ${row.name}`, value: row.wallRatio.median, atMost }];
}
