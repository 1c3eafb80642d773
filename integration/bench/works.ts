import { once } from 'node:events';
import { lstatSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { everythingIn } from '../../test/helpers/buildroot.ts';
import {
  countModules,
  manyPackages,
  mixedPackages,
  placeOf,
  stagePackages,
  stageStandardLibrary,
  stageSynthetic,
  tellLevelsApart,
} from './corpora.ts';
import { manyGlobsWork } from './globs.ts';
import { growthWorks } from './growth.ts';
import { imagesWork } from './images.ts';
import { type Command, measure } from './measure.ts';
import {
  brpPythonHardlink,
  type Contestant,
  compileall,
  compileallProbed,
  cpus,
  emptyNode,
  hardlink,
  inTurn,
  jdupes,
  pyclinkBuild,
  pyclinkBuildProbed,
  pyclinkHook,
  pyclinkLink,
  pyclinkVersion,
  rdfind,
} from './peers.ts';
import { mebibytes, type Row, type Verdict } from './table.ts';
import { readTree, requireAllLinksOf, requireEqualCode, requireFullyLinked, requireSameBytes } from './trees.ts';
import type { Entry, Work } from './work.ts';

const three = [0, 1, 2];

export const works: readonly Work[] = [
  compileWork(
    'three-levels',
    (buildroot) => stagePackages(buildroot, mixedPackages),
    [
      pyclinkBuild(three),
      compileall(three, cpus),
      onceOnly(compileall(three, 1)),
      ...[hardlink, jdupes, rdfind].map((peer) => onceOnly(inTurn(compileall(three, cpus, false), peer))),
    ],
    { peer: `compileall -j${cpus} --hardlink-dupes`, atMost: 0.8 },
  ),
  compileWork(
    'two-levels',
    (buildroot) => stagePackages(buildroot, mixedPackages),
    [pyclinkBuild([0, 1]), compileall([0, 1], cpus)],
    { peer: `compileall -j${cpus} --hardlink-dupes`, atMost: 0.75 },
  ),
  compileWork('library', stageStandardLibrary, [pyclinkBuild(three), compileall(three, cpus)], {
    peer: `compileall -j${cpus} --hardlink-dupes`,
    atMost: 0.85,
  }),
  manyJobsWork(),
  rebuildWork('rebuild', [pyclinkBuild(three), compileall(three, cpus)], 0.8),
  rebuildWork('keep-current', [pyclinkBuild(three, '--keep-current'), compileall(three, cpus, true, false)], 1),
  cacheWork('warm-cache', 'filled', compileall(three, cpus), 0.1),
  cacheWork('cold-cache', 'empty', pyclinkBuild(three), 1.03),
  ...[0, 300].map(emptyServerWork),
  {
    ...compileWork(
      'small',
      (buildroot) => stagePackages(buildroot, ['python3-packaging']),
      [pyclinkHook(), compileall(three, 1), compileall(three, cpus)],
      { peer: 'compileall -j1 --hardlink-dupes', atMost: 1.25 },
    ),
    repetitions: 5,
  },
  versionWork(),
  linkWork(),
  scaleWork(),
  normalizeWork(),
  manyGlobsWork(),
  ...growthWorks(),
  imagesWork(),
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
    check: checkPeers,
    verdicts: (rows) => wallVerdict(rows.find((row) => row.name === target.peer) ?? rows[1], target.atMost),
  };
}

/** Checks that the first has the paths, links, headers and code of the others. @throws if not */
async function checkPeers([ours, ...others]: readonly Entry[]): Promise<void> {
  const tree = readTree((ours as Entry).buildroot);
  requireFullyLinked('pyclink', tree);
  for (const { name: peer, buildroot } of others) requireAllLinksOf(peer, tree, readTree(buildroot));
  const [peer] = others;
  if (peer !== undefined) await requireEqualCode([...tree.keys()], (ours as Entry).buildroot, peer.buildroot);
}

/** Sixteen jobs, even on few CPUs: the work of the main thread, and what that means for more CPUs. */
function manyJobsWork(): Work {
  const name = 'many-jobs';
  const contestants = entriesOf(name, [pyclinkBuildProbed(three, 16), compileallProbed(three, 16)]);
  return {
    name,
    contestants,
    prepare: async () => {
      for (const { buildroot } of contestants) await stagePackages(buildroot, mixedPackages);
      return `${countModules((contestants[0] as Entry).buildroot)} modules`;
    },
    reset: removeCaches,
    check: checkPeers,
    verdicts: ([ours, peer]) => {
      if (ours === undefined || peer === undefined) return [];
      const predicted = [4, 8, 16, 64].map((count) => ({
        what: `predicted wall time against compileall at ${count} CPUs`,
        value: predictedSeconds(ours, count) / predictedSeconds(peer, count),
        atMost: count === 64 ? 1 : 0.85,
      }));
      return [
        { what: 'CPU time of the main thread, of all', value: ours.mainSeconds / cpuSeconds(ours), atMost: 0.015 },
        { what: 'the same of compileall', value: peer.mainSeconds / cpuSeconds(peer) },
        ...predicted,
      ];
    },
  };
}

/** Amdahl's law: the work of the main thread is serial, the rest is divided among the CPUs. */
function predictedSeconds(row: Row, count: number): number {
  return row.mainSeconds + (cpuSeconds(row) - row.mainSeconds) / count;
}

function cpuSeconds({ userSeconds, systemSeconds }: Row): number {
  return userSeconds + systemSeconds;
}

/** A build where everything is current already. */
function rebuildWork(name: string, peers: readonly Contestant[], atMost: number): Work {
  const contestants = entriesOf(name, peers);
  const [ours] = contestants as [Entry];
  let before: string[] = [];
  const changeTimes = () =>
    everythingIn(ours.buildroot).map((path) => `${path} ${lstatSync(join(ours.buildroot, path)).ctimeMs}`);
  return {
    name,
    contestants,
    prepare: async () => {
      for (const { buildroot } of contestants) {
        await stagePackages(buildroot, mixedPackages);
        await measure(pyclinkBuild(three).command(buildroot));
      }
      before = changeTimes();
      return `${countModules(ours.buildroot)} modules that are compiled already`;
    },
    reset: () => undefined,
    check: checkPeers,
    verdicts: ([, peer]) => [
      ...wallVerdict(peer, atMost),
      { what: 'files written', value: changeTimes().filter((line) => !before.includes(line)).length, atMost: 0 },
    ],
  };
}

/**
 * A build with a cache that an earlier build has filled, or with an empty one. @param server the rest of its command
 */
function cacheWork(
  name: string,
  cacheIs: 'filled' | 'empty',
  peer: Contestant,
  atMost: number,
  server: () => Pick<Command, 'environment'> = () => ({}),
): Work {
  const cache = placeOf(`${name}/cache`);
  const { command } = pyclinkBuild(three, '--cache-dir', cache);
  const first = {
    name: `pyclink build, ${name}`,
    command: (buildroot: string) => ({ ...command(buildroot), ...server() }),
  };
  const contestants = entriesOf(name, [first, peer]);
  return {
    name,
    contestants,
    prepare: async () => {
      for (const { buildroot } of contestants) await stagePackages(buildroot, mixedPackages);
      const [{ buildroot }] = contestants as [Entry];
      await measure(first.command(buildroot));
      const bytes = execaSync('du', ['-sb', cache]).stdout.split('\t')[0];
      return `${countModules(buildroot)} modules, ${mebibytes(Number(bytes))} MiB of entries`;
    },
    reset: (entry) => {
      removeCaches(entry);
      if (cacheIs === 'empty') execaSync('rm', ['-rf', cache]);
    },
    check: checkPeers,
    verdicts: ([, row]) => wallVerdict(row, atMost),
  };
}

/** A build with an empty cache, and a server that reports a miss after this many milliseconds. */
function emptyServerWork(afterMs: number): Work {
  const answer = 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n';
  // Does not parse requests, so that the server itself costs as little as possible.
  const server = createServer((socket) => {
    socket.setNoDelay().on('data', () => setTimeout(() => socket.write(answer), afterMs));
    socket.on('error', () => undefined);
  });
  const work = cacheWork(`empty-server-${afterMs}`, 'empty', pyclinkBuild(three), 1.05, () => {
    const { port } = server.address() as AddressInfo;
    return { environment: { PYCLINK_CACHE_REMOTE: `http://127.0.0.1:${port}` } };
  });
  return {
    ...work,
    prepare: async () => {
      await once(server.listen(0, '127.0.0.1'), 'listening');
      return work.prepare();
    },
    check: async (finished) => {
      server.close();
      await work.check(finished);
    },
  };
}

function versionWork(): Work {
  return {
    name: 'version',
    contestants: entriesOf('version', [pyclinkVersion, emptyNode]),
    repetitions: 5,
    prepare: () => Promise.resolve('the time to start'),
    reset: () => undefined,
    check: () => Promise.resolve(),
    verdicts: (rows) => wallVerdict(rows[1], 1.6),
  };
}

function onceOnly(contestant: Contestant): Contestant {
  return { ...contestant, once: true };
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
      return wallVerdict(fastest, 1);
    },
  };
}

function scaleWork(): Work {
  const sizes = [100_000, 10_000, 1_000];
  const threads = 4;
  const contestants = [
    ...sizes.map((size) => ({
      ...pyclinkBuild(three),
      name: `pyclink build, ${size} sources`,
      buildroot: placeOf(`scale/${size}`),
    })),
    {
      ...pyclinkBuild(three, `-j${4 * threads}`),
      name: `pyclink build -j${4 * threads}, 100000 sources`,
      buildroot: placeOf('scale/100000'),
      once: true,
    },
  ];
  return {
    name: 'scale',
    contestants,
    prepare: async () => {
      for (const size of sizes) stageSynthetic(placeOf(`scale/${size}`), size);
      return sizes.join(', ');
    },
    reset: removeCaches,
    check: async (entries) => {
      for (const { name, buildroot } of entries) requireFullyLinked(name, readTree(buildroot));
    },
    verdicts: ([large, medium, small, inThreads]) => {
      if (large === undefined || medium === undefined || small === undefined || inThreads === undefined) return [];
      const each = ({ wallSeconds }: Row, sources: number) => wallSeconds / sources;
      const cpu = ({ userSeconds, systemSeconds }: Row, sources: number) => (userSeconds + systemSeconds) / sources;
      return [
        { what: 'peak memory, 100,000 to 10,000', value: large.peakBytes / medium.peakBytes, atMost: 2 },
        { what: 'peak MiB at 100,000', value: Number(mebibytes(large.peakBytes)), atMost: 230 },
        {
          what: `peak MiB that each of ${threads} threads adds`,
          value: Number(mebibytes((inThreads.peakBytes - large.peakBytes) / threads)),
          atMost: 100,
        },
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

/** The cost of normalizing when it saves nothing, because all levels of all modules differ. */
function normalizeWork(): Work {
  const contestants = entriesOf('normalize', [pyclinkBuild(three), pyclinkBuild(three, '--no-normalize')]);
  return {
    name: 'normalize',
    contestants,
    prepare: async () => {
      for (const { buildroot } of contestants) {
        await stagePackages(buildroot, mixedPackages);
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
