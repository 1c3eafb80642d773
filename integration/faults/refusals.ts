import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { contentsOf, linkGroupsIn, plant } from '../../test/helpers/buildroot.ts';
import { pyclink, type Ran } from '../../test/helpers/pyclink.ts';
import { healthyText, library } from '../helpers/healthy.ts';
import { randomFrom } from '../helpers/random.ts';
import { type Outcome, Tally } from './case.ts';
import { type Place, type Scenario, scenarios } from './refusal-scenarios.ts';
import { copyTree, inDirectory, leftoversIn, unloadable } from './tree.ts';

/** What a file system may say to any call. */
const errors = ['EACCES', 'EPERM', 'EIO', 'ENOSPC', 'ENOENT', 'EROFS', 'ESTALE', 'ENAMETOOLONG', 'EDQUOT'] as const;

/** Two victims: a module among others, and a directory with all that is in it. */
const victims = '/victim(?:s\\b|\\.)';
const sources: Readonly<Record<string, string>> = {
  [`${library}/shop/cart.py`]: `${healthyText}# ${'long '.repeat(50_000)}\n`,
  [`${library}/shop/till.py`]: `${healthyText}# ${'long '.repeat(50_000)}\n`,
  [`${library}/shop/victim.py`]: `${healthyText}# ${'long '.repeat(50_000)}\n`,
  [`${library}/victims/one.py`]: healthyText,
  [`${library}/victims/two.py`]: `${healthyText}# ${'long '.repeat(50_000)}\n`,
  [`${library}/yard/gate.py`]: healthyText,
};

/** A call that fails, and with which error. */
interface Refused {
  readonly call: string;
  readonly code: (typeof errors)[number];
}

/** A run of a scenario, and what it left. */
interface Left extends Ran {
  readonly contents: Readonly<Record<string, string>>;
  readonly links: readonly (readonly string[])[];
  /** Pycs that do not load, or do not fit the mtimes of their sources: none of the hash-based ones does. */
  readonly unloadable: readonly string[];
}

/** A scenario that is ready to run, and how it ends if nothing fails. */
interface Scene {
  readonly name: string;
  readonly scenario: Scenario;
  readonly template: string;
  readonly undisturbed: Left;
  /** The calls that may fail. */
  readonly calls: readonly string[];
}

/** Runs every command again and again, and each time another call on a file fails. A round is a run. */
export async function refusalsCase(rounds: number, seed: number): Promise<Outcome> {
  const random = randomFrom(seed);
  const tally = new Tally();
  await inDirectory(async (work) => {
    const scenes: Scene[] = [];
    for (const [name, scenario] of Object.entries(scenarios)) scenes.push(await prepare(work, name, scenario));
    const all = scenes.flatMap((scene) => scene.calls.map((call) => ({ scene, call })));
    tally.count('calls that may fail', String(all.length));
    for (let round = 0; round < rounds; round++) {
      const { scene, call } = all[random(all.length)] as (typeof all)[number];
      const code = errors[random(errors.length)] as (typeof errors)[number];
      const { left, isRefused } = await run(work, scene, { call, code });
      const problems = isRefused ? problemsOf(scene, left, { call, code }, placeIn(work).buildroot) : [];
      tally.count('runs by exit status', isRefused ? String(left.status) : 'the call was not made');
      tally.round(`round ${round}, ${scene.name}, ${code} at ${call}`, problems);
    }
  });
  return tally.outcome;
}

function placeIn(work: string): Place {
  const at = join(work, 'round');
  return { buildroot: join(at, 'buildroot'), cache: join(at, 'cache'), manifest: join(at, 'manifest.json') };
}

/** Makes what a scenario works on, and writes down its calls. */
async function prepare(work: string, name: string, scenario: Scenario): Promise<Scene> {
  const [place, template] = [placeIn(work), join(work, name)];
  rmSync(join(work, 'round'), { recursive: true, force: true });
  mkdirSync(place.buildroot, { recursive: true });
  plant(place.buildroot, sources);
  await scenario.before?.(place);
  await copyTree(join(work, 'round'), template);
  const file = scenario.file ?? victims;
  const scene = { name, scenario, template, calls: [], file };
  const { left } = await run(work, scene, undefined);
  if (left.status !== 0) throw new Error(`${name}: status ${left.status}: ${left.stderr}`);
  const calls = existsSync(join(work, 'log'))
    ? readFileSync(join(work, 'log'), 'utf8').split('\n').filter(Boolean)
    : [];
  return { ...scene, undisturbed: left, calls };
}

/** Runs a scenario. @param refused the call that fails; undefined: calls are written down */
async function run(
  work: string,
  { scenario, template }: Pick<Scene, 'scenario' | 'template'>,
  refused: Refused | undefined,
): Promise<{ readonly left: Left; readonly isRefused: boolean }> {
  const [place, log] = [placeIn(work), join(work, 'log')];
  rmSync(join(work, 'round'), { recursive: true, force: true });
  rmSync(log, { force: true });
  await copyTree(template, join(work, 'round'));
  const errno = refused && constants.errno[refused.code];
  const env = {
    ...scenario.env,
    NODE_OPTIONS: `--require ${new URL('refuse.cjs', import.meta.url).pathname}`,
    REFUSE: JSON.stringify({ file: scenario.file ?? victims, log, ...refused, errno }),
  };
  const ran = await pyclink(scenario.call(place), { env });
  const [contents, links] = [contentsOf(place.buildroot), linkGroupsIn(place.buildroot)];
  const left = { ...ran, contents, links, unloadable: await unloadable(place.buildroot) };
  return { left, isRefused: existsSync(log) };
}

/** What is wrong after a run in which a call failed. */
function problemsOf({ scenario, undisturbed }: Scene, left: Left, refused: Refused, buildroot: string): string[] {
  const problems: string[] = [];
  const isVictim = (text: string) => new RegExp(scenario.file ?? victims).test(`/${text}`);
  const others = (of: Left) => ({
    contents: Object.entries(of.contents).filter(([path]) => !isVictim(path)),
    links: of.links.filter((names) => !names.some(isVictim)),
    findings: of.stdout.split('\n').filter((line) => line.includes(library) && !isVictim(line)),
  });
  if (!isDeepStrictEqual(others(left), others(undisturbed))) problems.push('other files are not as without it');
  const withoutLeftovers = Object.entries(left.contents).filter(([path]) => !path.includes('/.pyclink-'));
  const isAlike = isDeepStrictEqual(Object.fromEntries(withoutLeftovers), undisturbed.contents);
  const said = left.stderr + left.stdout;
  // A file that is gone may be called so.
  const isNamed = isVictim(said) && (said.includes(refused.code) || refused.code === 'ENOENT');
  // What is gone need not be linked, and that is no problem.
  const problem = ['ENOSPC', 'EDQUOT'].includes(refused.code) ? [1, 3] : [1];
  const mayBeGone = refused.code === 'ENOENT' && (isNamed || scenario.removes === true);
  const isSaid = problem.includes(left.status ?? 0) || mayBeGone;
  if (!isAlike && !isSaid) problems.push('something is missing, and the status does not say so');
  if (left.status !== 0 && !isNamed) problems.push('the file is not named with the reason');
  if (![0, ...problem].includes(left.status ?? 70)) problems.push('one file ended it');
  // What cannot be removed, or not be got at for that, is removed by the next run.
  if (!/^(?:unlink|exists)Sync|__pycache__ \d+$/.test(refused.call))
    problems.push(...leftoversIn(buildroot).map((path) => `${path}: left`));
  problems.push(...left.unloadable.filter((path) => !undisturbed.unloadable.includes(path)));
  return problems.length === 0 ? [] : [`${problems.join('; ')}\nstatus ${left.status}: ${said}`];
}
