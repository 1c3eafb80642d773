import { chmodSync, chownSync, mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { contentsOf, everythingIn } from '../../test/helpers/buildroot.ts';
import { pyclink, type Ran } from '../../test/helpers/pyclink.ts';
import { systemPython } from '../../test/helpers/pythons.ts';
import { library, quietBuild } from '../helpers/healthy.ts';
import { type Random, randomFrom } from '../helpers/random.ts';
import { type Outcome, Tally } from './case.ts';
import { copyTree, harmIn, inDirectory, leftoversIn, stageSlice, stateOf } from './tree.ts';

/** The input of a trial. */
interface Scene {
  /** Sources, or sources with pycs. Must not be changed. */
  readonly template: string;
  /** What is in it. */
  readonly names: readonly string[];
  /** The result of a build: the same wherever it is built, except for names in the compiler's messages. */
  readonly built: unknown;
  /** A directory for this trial, where file systems are mounted. */
  readonly place: string;
  readonly random: Random;
}

/** @returns the losses */
type Trial = (scene: Scene) => Promise<string[]>;

/** Each kind of trouble, with real file systems. */
export const diskTrials: Readonly<Record<string, Trial>> = {
  'full tmpfs': (scene) =>
    filled(scene, async (at, { bytes }) => {
      const spare = scene.random(200_000);
      await mount(at, 'tmpfs', `size=${Math.ceil(bytes + spare)}`);
      return () => execa('mount', ['-o', 'remount,size=100M', at]);
    }),
  'out of inodes': (scene) =>
    filled(scene, async (at, { files }) => {
      await mount(at, 'tmpfs', `size=100M,nr_inodes=${files + 2 + scene.random(70)}`);
      return () => execa('mount', ['-o', 'remount,nr_inodes=10000', at]);
    }),
  'full ext4': (scene) =>
    filled(scene, async (at) => {
      await mountImage(scene, at);
      return undefined;
    }),
  'no hard links': async (scene) => {
    const image = join(scene.place, 'image');
    const at = join(scene.place, 'mounted');
    await execa('truncate', ['-s', '64M', image]);
    await execa('mkfs.exfat', [image]);
    const { stdout: device } = await execa('losetup', ['--find', '--show', image]);
    mkdirSync(at);
    await execa('mount.exfat-fuse', [device, at]);
    return whileMounted(at, async () => {
      const buildroot = join(at, 'buildroot');
      await execa('cp', ['-r', '--preserve=timestamps', scene.template, buildroot]);
      const ran = await pyclink(quietBuild(buildroot));
      const problems = await harmIn(buildroot, scene.names);
      if (ran.status !== 0 || !ran.stderr.includes('not linked: the file system refused the link')) {
        problems.push(`status ${ran.status}: ${ran.stderr}`);
      }
      const missing = Object.keys((scene.built as { contents: object }).contents).filter(
        (path) => !everythingIn(buildroot).includes(path),
      );
      return [...problems, ...missing.map((path) => `${path}: missing`)];
    }).finally(() => execa('losetup', ['-d', device]));
  },
  'read-only file system': async (scene) => {
    const [tree, at] = [join(scene.place, 'tree'), join(scene.place, 'mounted')];
    await copyTree(scene.template, tree);
    mkdirSync(at);
    await execa('mount', ['--bind', tree, at]);
    return whileMounted(at, async () => {
      await execa('mount', ['-o', 'remount,ro,bind', at]);
      const before = contentsOf(at);
      const ran = await pyclink(quietBuild(at));
      return [
        ...complaintsOf(ran, 1, /the pycs of \d+ sources cannot be written\n {4}EROFS/),
        ...(JSON.stringify(contentsOf(at)) === JSON.stringify(before) ? [] : ['it has changed']),
      ];
    });
  },
  overlayfs: async (scene) => {
    const [layers, at] = [join(scene.place, 'layers'), join(scene.place, 'mounted')];
    mkdirSync(at);
    // On their own file system, because an overlay cannot be on an overlay.
    await mount(layers, 'tmpfs', 'size=100M');
    return whileMounted(layers, async () => {
      for (const name of ['upper', 'work', 'lower']) mkdirSync(join(layers, name));
      await execa('cp', ['-a', `${scene.template}/.`, join(layers, 'lower')]);
      const options = ['lower', 'upper', 'work'].map((name) => `${name}dir=${join(layers, name)}`).join(',');
      await mount(at, 'overlay', options);
      return whileMounted(at, async () => {
        const ran = await pyclink(quietBuild(at));
        const problems = await harmIn(at, scene.names);
        if (ran.status !== 0 || ran.stderr !== '') problems.push(`status ${ran.status}: ${ran.stderr}`);
        return [...problems, ...sameAs(scene, at)];
      });
    });
  },
  'link limit of ext4': async (scene) => {
    const at = join(scene.place, 'mounted');
    await mountImage(scene, at);
    return whileMounted(at, async () => {
      const buildroot = join(at, 'buildroot');
      const cache = join(buildroot, library, '__pycache__');
      mkdirSync(cache, { recursive: true });
      const [first, second] = ['', '.opt-1'].map((level) => join(cache, `m.${systemPython.cacheTag}${level}.pyc`)) as [
        string,
        string,
      ];
      for (const file of [first, second]) writeFileSync(file, 'the same');
      // The first name keeps its file.
      const links = `import os, sys\nfor i in range(64999): os.link(sys.argv[1], sys.argv[2] + str(i))`;
      await execa(systemPython.executable, ['-c', links, second, join(at, 'link-')]);
      const ran = await pyclink(['link', '--buildroot', buildroot, '-q']);
      const problems = complaintsOf(ran, 0, /not linked: the file system refused the link: EMLINK/);
      return [...problems, ...leftoversIn(buildroot)];
    });
  },
  'another file system in one directory': async (scene) => {
    const [outside, buildroot] = [join(scene.place, 'outside'), join(scene.place, 'buildroot')];
    const cache = join(buildroot, library, '__pycache__');
    mkdirSync(cache, { recursive: true });
    const file = (level: string) => join(cache, `m.${systemPython.cacheTag}${level}.pyc`);
    for (const path of [file(''), file('.opt-1'), outside]) writeFileSync(path, 'the same');
    await execa('mount', ['--bind', outside, file('.opt-1')]);
    return whileMounted(file('.opt-1'), async () => {
      const ran = await pyclink(['link', '--buildroot', buildroot, '-q']);
      return [
        ...complaintsOf(ran, 0, /not linked: the file system refused the link: EXDEV/),
        ...leftoversIn(buildroot),
      ];
    });
  },
  'read-only __pycache__': async (scene) => {
    const buildroot = join(scene.place, 'buildroot');
    await copyTree(scene.template, buildroot);
    const json = join(buildroot, library, 'json');
    await execa('chown', ['-R', 'nobody', buildroot]);
    mkdirSync(join(json, '__pycache__'), { recursive: true });
    chmodSync(join(json, '__pycache__'), 0o555);
    const ran = await pyclink(quietBuild(buildroot), { uid: 65534 });
    const problems = [
      ...complaintsOf(ran, 1, /the pycs of \d+ sources cannot be written\n {4}EACCES/),
      ...(await harmIn(buildroot, scene.names)),
    ];
    chmodSync(join(json, '__pycache__'), 0o755);
    chownSync(join(json, '__pycache__'), 65534, 65534);
    const next = await pyclink(quietBuild(buildroot), { uid: 65534 });
    if (next.status !== 0) problems.push(`the next run: ${next.status}: ${next.stderr}`);
    return [...problems, ...sameAs(scene, buildroot)];
  },
};

/** Builds on small, full, limited and foreign file systems that are made for it. */
export async function diskCase(rounds: number, seed: number): Promise<Outcome> {
  const tally = new Tally();
  const random = randomFrom(seed);
  const trials = Object.entries(diskTrials);
  await inDirectory(async (work) => {
    const templates: Omit<Scene, 'place' | 'random'>[] = [];
    for (const withPycs of [false, true]) {
      const [template, undisturbed] = [join(work, `template-${withPycs}`), join(work, `undisturbed-${withPycs}`)];
      await stageSlice(template, withPycs);
      await copyTree(template, undisturbed);
      await pyclink(quietBuild(undisturbed));
      templates.push({ template, names: everythingIn(template), built: stateOf(undisturbed) });
    }
    for (let round = 0; round < rounds; round++) {
      const [name, trial] = trials[round % trials.length] as (typeof trials)[number];
      const place = join(work, `round-${round}`);
      mkdirSync(place);
      const scene = templates[random(2)] as (typeof templates)[number];
      tally.round(`round ${round}, ${name}`, await trial({ ...scene, place, random }));
      await execa('rm', ['-rf', place]);
    }
  });
  return tally.outcome;
}

/** A build on a file system that fills up, and another one when there is room. @param prepare mounts, and makes room */
async function filled(
  scene: Scene,
  prepare: (at: string, needs: { bytes: number; files: number }) => Promise<(() => Promise<unknown>) | undefined>,
): Promise<string[]> {
  const at = join(scene.place, 'mounted');
  const { stdout } = await execa('du', ['-s', '--block-size=1', scene.template]);
  const needs = { bytes: Number(stdout.split('\t')[0]), files: scene.names.length };
  const makeRoom = await prepare(at, needs);
  return whileMounted(at, async () => {
    const buildroot = join(at, 'buildroot');
    await copyTree(scene.template, buildroot);
    const filler = join(at, 'filler');
    if (makeRoom === undefined) {
      const { bavail, bsize } = statfsSync(at);
      await execa('fallocate', ['-l', String(Math.max(bavail * bsize - scene.random(300_000), 1)), filler]);
    }
    const ran = await pyclink(quietBuild(buildroot));
    const problems = await harmIn(buildroot, scene.names);
    if (ran.status !== 0) problems.push(...complaintsOf(ran, 3, /ENOSPC/));
    await (makeRoom === undefined ? execa('rm', [filler]) : makeRoom());
    const next = await pyclink(quietBuild(buildroot));
    if (next.status !== 0 || next.stderr !== '') problems.push(`the next run: ${next.status}: ${next.stderr}`);
    return [...problems, ...sameAs(scene, buildroot)];
  });
}

/** Mounts a new ext4 from a file. */
async function mountImage({ place }: Scene, at: string): Promise<void> {
  const image = join(place, 'image');
  await execa('truncate', ['-s', '48M', image]);
  await execa('mkfs.ext4', ['-q', '-m', '0', '-N', '4000', image]);
  mkdirSync(at, { recursive: true });
  await execa('mount', ['-o', 'loop', image, at]);
}

async function mount(at: string, type: string, options: string): Promise<void> {
  mkdirSync(at, { recursive: true });
  await execa('mount', ['-t', type, '-o', options, type, at]);
}

async function whileMounted<T>(at: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    await execa('umount', [at]);
  }
}

function complaintsOf({ status, stderr }: Ran, expected: number, says: RegExp): string[] {
  return status === expected && says.test(stderr) ? [] : [`status ${status}: ${stderr}`];
}

function sameAs({ built }: Scene, buildroot: string): string[] {
  return JSON.stringify(stateOf(buildroot)) === JSON.stringify(built) ? [] : ['it ends otherwise'];
}
