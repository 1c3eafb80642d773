import { chmodSync, linkSync, lstatSync, mkdirSync, readFileSync, utimesSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { skipReasons } from '../../src/skipped.ts';
import { contentsOf, everythingIn, plant } from '../../test/helpers/buildroot.ts';
import { pyclink, type Ran } from '../../test/helpers/pyclink.ts';
import { healthyText, library, pycsOf, quietBuild } from '../helpers/healthy.ts';
import { type Outcome, Tally } from './case.ts';
import { harmIn, inDirectory } from './tree.ts';

/** The input of a trial: a buildroot with only one healthy source, and a directory outside it. */
interface Scene {
  readonly buildroot: string;
  readonly outside: string;
}

/** Plants a hostile tree, builds, and checks. @returns the losses */
type Trial = (scene: Scene) => Promise<string[]>;

const healthy = `${library}/healthy.py`;
const env = { SOURCE_DATE_EPOCH: '1500000000' };

export const hostileTrials: Readonly<Record<string, Trial>> = {
  'hard links to files outside': async ({ buildroot, outside }) => {
    const source = `${library}/m.py`;
    plant(buildroot, { [source]: healthyText });
    await pyclink(quietBuild(buildroot, '--no-normalize', '--no-link'));
    const names = [source, ...pycsOf(source)];
    for (const name of names) linkSync(join(buildroot, name), join(outside, basename(name)));
    const state = () => names.map((name) => stateOf(join(outside, basename(name))));
    const before = state();
    const runs = [
      await pyclink(['link', '--buildroot', buildroot, '-q', '--normalize']),
      await pyclink(['link', '--buildroot', buildroot, '-q']),
      await pyclink(quietBuild(buildroot, '--keep-current'), { env }),
      await pyclink(quietBuild(buildroot), { env }),
    ];
    const changed = JSON.stringify(state()) === JSON.stringify(before) ? [] : ['a file outside has changed'];
    const inside =
      lstatSync(join(buildroot, source)).mtimeMs === 1_500_000_000_000 ? [] : ['the source is not clamped'];
    return [...runs.flatMap((ran) => unlessStatus(ran, 0)), ...changed, ...inside];
  },
  'setuid and setgid files': async ({ buildroot }) => {
    const source = `${library}/m.py`;
    const [level0 = '', level1 = '', level2 = ''] = pycsOf(source);
    plant(buildroot, { [source]: { content: healthyText, mode: 0o6755 }, [level0]: 'same', [level1]: 'same' });
    chmodSync(join(buildroot, level0), 0o4644);
    const linked = await pyclink(['link', '--buildroot', buildroot, '-q']);
    const apart = lstatSync(join(buildroot, level0)).nlink === 1 ? [] : ['linked although one is setuid'];
    const ran = await pyclink(quietBuild(buildroot));
    const modes = [source, level0, level1, level2].map((name) => lstatSync(join(buildroot, name)).mode & 0o7777);
    const expected = JSON.stringify(modes) === JSON.stringify([0o6755, 0o644, 0o644, 0o644]);
    return [...unlessStatus(linked, 0), ...apart, ...unlessStatus(ran, 0), ...(expected ? [] : [`modes ${modes}`])];
  },
  'immutable files and directories': async ({ buildroot }) => {
    const names = ['source', 'pyc', 'cache'].map((name) => `${library}/${name}/m.py`);
    const [source = '', pyc = '', cache = ''] = names;
    for (const name of names) {
      plant(buildroot, { [name]: { content: healthyText, mtime: name === source ? 1_600_000_000 : 1_400_000_000 } });
    }
    // Pycs that are current already would be left alone.
    await pyclink(quietBuild(buildroot, '--no-normalize'));
    const fixed = [source, pycsOf(pyc)[0] as string, dirname(pycsOf(cache)[0] as string)];
    const paths = fixed.map((name) => join(buildroot, name));
    const before = contentsOf(buildroot);
    await execa('chattr', ['+i', ...paths]);
    try {
      const clamped = await pyclink(quietBuild(buildroot), { env });
      const ran = await pyclink(quietBuild(buildroot));
      const after = contentsOf(buildroot);
      const isFixed = (path: string) => path.endsWith('.py') || fixed.some((name) => `/${path}`.startsWith(name));
      const lost = Object.keys(before).filter((path) => isFixed(path) && before[path] !== after[path]);
      return [
        ...unlessSaid(clamped, 1, `${source}: ${skipReasons['mtime-not-set']}\n    EPERM: operation not permitted\n`),
        ...unlessSaid(ran, 1, `${pyc}: its pycs cannot be written\n    EPERM`),
        ...unlessSaid(ran, 1, `${cache}: its pycs cannot be written\n    EPERM`),
        ...lost.map((path) => `${path}: changed`),
      ];
    } finally {
      await execa('chattr', ['-i', ...paths]);
    }
  },
  '10,000 files in a directory': async ({ buildroot }) => {
    plant(buildroot, Object.fromEntries(range(10_000).map((i) => [`${library}/many/m${i}.py`, `x = ${i}\n`])));
    const ran = await pyclink(quietBuild(buildroot));
    const pycs = everythingIn(join(buildroot, library, 'many')).filter((path) => path.endsWith('.pyc')).length;
    return [...unlessStatus(ran, 0), ...(pycs === 30_000 ? [] : [`${pycs} pycs`])];
  },
  '200 levels of directories': async ({ buildroot }) => {
    const source = `${library}/${'d/'.repeat(200)}m.py`;
    plant(buildroot, { [source]: healthyText });
    return [...unlessStatus(await pyclink(quietBuild(buildroot)), 0), ...missing(buildroot, pycsOf(source))];
  },
  'names and paths at their limits': async ({ buildroot }) => {
    const long = (bytes: number) => `${library}/${'n'.repeat(bytes - 3)}.py`;
    const fits = long(255 - basename(pycsOf('/.py')[2] as string).length + 3);
    plant(buildroot, { [fits]: healthyText, [long(255)]: healthyText });
    // The last directory's path is longer than any call takes.
    const deep = join(buildroot, library);
    const script =
      'import os, sys\nos.chdir(sys.argv[1])\nfor i in range(20): os.mkdir("d" * 250); os.chdir("d" * 250)\nopen("m.py", "w")';
    await execa('/usr/bin/python3', ['-c', script, deep]);
    try {
      const ran = await pyclink(quietBuild(buildroot));
      return [
        ...unlessSaid(ran, 1, `${long(255)}: its pycs cannot be written\n    ENAMETOOLONG`),
        ...unlessSaid(ran, 1, 'the directory cannot be listed\n    ENAMETOOLONG'),
        ...missing(buildroot, pycsOf(fits)),
      ];
    } finally {
      await execa('rm', ['-rf', join(deep, 'd'.repeat(250))]);
    }
  },
  'a source of 50 MB': async ({ buildroot }) => {
    const source = `${library}/large.py`;
    plant(buildroot, { [source]: `${healthyText}x = (\n${`'${'y'.repeat(98)}'\n`.repeat(500_000)})\n` });
    const ran = await pyclink(quietBuild(buildroot));
    return [...unlessStatus(ran, 0), ...missing(buildroot, pycsOf(source))];
  },
  'sources that are too deep for the compiler': async ({ buildroot }) => {
    const texts = {
      parentheses: '('.repeat(100_000),
      minus: `${'-'.repeat(100_000)}1`,
      not: `${'not '.repeat(100_000)}1`,
      attributes: `a${'.b'.repeat(100_000)}`,
      calls: `a${'()'.repeat(100_000)}`,
      items: `a${'[0]'.repeat(100_000)}`,
      lambdas: `${'lambda:'.repeat(100_000)}1`,
      sums: `${'1+'.repeat(100_000)}1`,
      powers: `${'a**'.repeat(100_000)}a`,
      conditions: `${'a if a else '.repeat(100_000)}a`,
      assignments: `${'a='.repeat(100_000)}a`,
      blocks: range(150)
        .map((i) => `${' '.repeat(i)}if a:\n`)
        .join(''),
      strings: `f'${'{'.repeat(1000)}`,
      number: '9'.repeat(1_000_000),
      nulls: '\0'.repeat(1000),
    };
    const sources = Object.entries(texts).map(([name, text]) => [`${library}/deep/${name}.py`, `${text}\n`] as const);
    plant(buildroot, Object.fromEntries(sources));
    const ran = await pyclink(quietBuild(buildroot));
    const unsaid = sources.filter(([path]) => {
      const isThere = missing(buildroot, pycsOf(path)).length === 0;
      return !isThere && !ran.stderr.includes(`pyclink: error: ${path}: `);
    });
    return [...unlessStatus(ran, 1), ...unsaid.map(([path]) => `${path}: missing, and not reported`)];
  },
};

/** Builds trees that are awkward by mistake or by intent. A round is a tree. */
export async function hostileCase(rounds: number): Promise<Outcome> {
  const tally = new Tally();
  const trials = Object.entries(hostileTrials);
  for (let round = 0; round < rounds; round++) {
    const [name, trial] = trials[round % trials.length] as (typeof trials)[number];
    await inDirectory(async (work) => {
      const scene = { buildroot: join(work, 'buildroot'), outside: join(work, 'outside') };
      mkdirSync(scene.outside);
      plant(scene.buildroot, { [healthy]: healthyText });
      utimesSync(join(scene.buildroot, healthy), 1_400_000_000, 1_400_000_000);
      const problems = await trial(scene);
      const harm = await harmIn(
        scene.buildroot,
        [healthy, ...pycsOf(healthy)].map((path) => path.slice(1)),
      );
      tally.round(`round ${round}, ${name}`, [...problems, ...harm]);
    });
  }
  return tally.outcome;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function stateOf(path: string): unknown {
  const { ino, mode, uid, gid, size, mtimeMs } = lstatSync(path);
  return { ino, mode, uid, gid, size, mtimeMs, content: readFileSync(path, 'base64') };
}

function missing(buildroot: string, paths: readonly string[]): string[] {
  return paths
    .filter((path) => lstatSync(join(buildroot, path), { throwIfNoEntry: false })?.isFile() !== true)
    .map((path) => `${path}: missing`);
}

function unlessStatus({ status, stderr }: Ran, expected: number): string[] {
  return status === expected ? [] : [`status ${status}: ${stderr}`];
}

function unlessSaid(ran: Ran, status: number, text: string): string[] {
  return ran.stderr.includes(text)
    ? unlessStatus(ran, status)
    : [`does not report ${text}: ${ran.status}: ${ran.stderr}`];
}
