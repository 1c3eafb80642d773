import { linkSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { contentsOf, everythingIn } from '../../test/helpers/buildroot.ts';
import { pyclink, type Ran } from '../../test/helpers/pyclink.ts';
import { library, quietBuild } from '../helpers/healthy.ts';
import { type Outcome, Tally } from './case.ts';
import { copyTree, inDirectory, stageSlice } from './tree.ts';

/** Trees that a round begins with. */
type Template = 'sources' | 'compiled' | 'built' | 'copied';

/** A run of pyclink over one of them. */
interface Run {
  readonly on: Template;
  readonly args: (buildroot: string, manifest: string) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const epoch = '1500000000';

const runs: Readonly<Record<string, Run>> = {
  build: { on: 'sources', args: (at) => quietBuild(at), env: { SOURCE_DATE_EPOCH: epoch } },
  'build in threads': { on: 'sources', args: (at) => quietBuild(at, '-j', '8'), env: { SOURCE_DATE_EPOCH: epoch } },
  'build over pycs': { on: 'compiled', args: (at) => quietBuild(at) },
  'build what is built': { on: 'built', args: (at) => quietBuild(at) },
  'build --keep-current': { on: 'built', args: (at) => quietBuild(at, '--keep-current') },
  'build --keep-current over pycs': { on: 'compiled', args: (at) => quietBuild(at, '--keep-current') },
  link: { on: 'compiled', args: (at) => ['link', '--buildroot', at] },
  'link --normalize': { on: 'compiled', args: (at) => ['link', '--buildroot', at, '--normalize'] },
  restamp: { on: 'built', args: (at) => ['restamp', '--buildroot', at, '--mtime', epoch] },
  relink: { on: 'copied', args: (at, manifest) => ['relink', '--buildroot', at, '--manifest', manifest] },
  'verify what is built': { on: 'built', args: (at, manifest) => ['verify', '--manifest', manifest, at] },
  'verify a copy': { on: 'copied', args: (at, manifest) => ['verify', '--manifest', manifest, at] },
  audit: { on: 'built', args: (at) => ['audit', at, '--json'] },
};

/** How many runs one round of each kind takes. */
export const overlayRounds = Object.keys(runs).length;

/**
 * Runs pyclink where the inode numbers of neighbours are one number for JavaScript: on an overlay with `xino=on` over a
 * btrfs, or, where nothing can be mounted, with such numbers for the program only. Each run must do what it does
 * elsewhere.
 */
export async function overlayCase(rounds: number, mayMount: boolean): Promise<Outcome> {
  const tally = new Tally();
  await inDirectory(async (work) => {
    const templates = join(work, 'templates');
    const manifest = join(work, 'manifest.json');
    await makeTemplates(templates, manifest);
    await on(mayMount ? await mountBtrfs(work, templates) : undefined, async (lower) => {
      for (let round = 0; round < rounds; round++) {
        const name = Object.keys(runs)[round % overlayRounds] as string;
        const { on: template, args, env = {} } = runs[name] as Run;
        const [plain, tree] = [join(work, `plain-${round}`), join(work, `tree-${round}`)];
        await copyTree(join(templates, template), plain);
        const right = await pyclink(args(plain, manifest), { env });
        const done = await (lower === undefined
          ? inStub(join(templates, template), tree, args(tree, manifest), env)
          : inOverlay(join(lower, template), tree, args(tree, manifest), env));
        tally.round(`round ${round}, ${name}`, differences(plain, right, tree, done));
        await execa('rm', ['-rf', plain, tree]);
      }
    });
  });
  return tally.outcome;
}

/** A run, and what the tree was afterwards. */
interface Done extends Ran {
  readonly state: unknown;
}

async function inStub(template: string, tree: string, args: readonly string[], env: Run['env']): Promise<Done> {
  await copyTree(template, tree);
  const preload = `--require=${join(import.meta.dirname, 'large-inodes.cjs')}`;
  const ran = await pyclink(args, { env: { ...env, NODE_OPTIONS: preload } });
  return { ...ran, state: wholeState(tree) };
}

async function inOverlay(lower: string, tree: string, args: readonly string[], env: Run['env']): Promise<Done> {
  const [upper, work] = [`${tree}-upper`, `${tree}-work`];
  for (const directory of [tree, upper, work]) mkdirSync(directory);
  // Without an index, an overlay parts the names of a file that is written to.
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work},xino=on,index=on`;
  await execa('mount', ['-t', 'overlay', '-o', options, 'overlay', tree]);
  try {
    const { ino } = lstatSync(join(tree, library, 'json/decoder.py'), { bigint: true });
    if (BigInt.asUintN(64, ino) < 2n ** 53n) throw new Error(`inode numbers of the overlay are small: ${ino}`);
    const ran = await pyclink(args, { ...(env && { env }) });
    return { ...ran, state: wholeState(tree) };
  } finally {
    await execa('umount', [tree]);
    await execa('rm', ['-rf', upper, work]);
  }
}

/** Sources with further names and data beside them; the same with pycs; built by pyclink; copied without links. */
async function makeTemplates(templates: string, manifest: string): Promise<void> {
  mkdirSync(templates);
  const [sources, compiled, built, copied] = ['sources', 'compiled', 'built', 'copied'].map((name) =>
    join(templates, name),
  ) as [string, string, string, string];
  await stageSlice(sources, false);
  const json = join(sources, library, 'json');
  linkSync(join(json, 'decoder.py'), join(json, 'also_decoder.py'));
  for (let i = 0; i < 40; i++) writeFileSync(join(json, `data-${i}.txt`), `data ${i}\n`);
  linkSync(join(json, 'data-0.txt'), join(json, 'data-too.txt'));
  await stageSlice(compiled, true);
  await copyTree(sources, built);
  await pyclink(quietBuild(built, '--manifest', manifest), { env: { SOURCE_DATE_EPOCH: '1600000000' } });
  await execa('cp', ['-r', '--preserve=timestamps,mode', built, copied]);
}

/** A btrfs with a copy of the templates, whose inode numbers an overlay makes large. @returns where it is mounted */
async function mountBtrfs(work: string, templates: string): Promise<string> {
  const [image, at] = [join(work, 'image'), join(work, 'lower')];
  mkdirSync(at);
  await execa('truncate', ['-s', '256M', image]);
  await execa('mkfs.btrfs', ['-q', image]);
  await execa('mount', ['-o', 'loop', image, at]);
  await execa('cp', ['-a', `${templates}/.`, at]);
  return at;
}

async function on(mounted: string | undefined, use: (lower: string | undefined) => Promise<void>): Promise<void> {
  try {
    await use(mounted);
  } finally {
    if (mounted !== undefined) await execa('umount', [mounted]);
  }
}

/** Bytes, modes, whole seconds of mtimes, and which names are one file: of everything in a tree. */
function wholeState(tree: string): unknown {
  const names = new Map<string, string>();
  const files = everythingIn(tree).map((path) => {
    const { dev, ino, mtimeNs, mode } = lstatSync(join(tree, path), { bigint: true });
    const first = names.get(`${dev}:${ino}`) ?? path;
    names.set(`${dev}:${ino}`, first);
    const isFile = (mode & 0o170000n) === 0o100000n;
    return [path, first, isFile && path.endsWith('.py') ? `${mtimeNs / 1_000_000_000n}` : ''];
  });
  return { files, contents: contentsOf(tree) };
}

function differences(plain: string, right: Ran, tree: string, done: Done): string[] {
  const said = ({ status, stdout, stderr }: Ran, at: string) =>
    JSON.stringify([status, stdout, stderr]).replaceAll(at, '');
  const problems =
    said(right, plain) === said(done, tree) ? [] : [`${said(done, tree)} instead of ${said(right, plain)}`];
  const same = JSON.stringify(wholeState(plain)) === JSON.stringify(done.state);
  return same ? problems : [...problems, 'it ends otherwise'];
}
