import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { execa } from 'execa';
import { everythingIn } from '../../test/helpers/buildroot.ts';
import { bundle, pyclink } from '../../test/helpers/pyclink.ts';
import { quietBuild } from '../helpers/healthy.ts';
import { workersOf } from '../helpers/processes.ts';
import { randomFrom } from '../helpers/random.ts';
import { type Outcome, Tally } from './case.ts';
import { copyTree, inDirectory, leftoversIn, manifestAgainst, stageSlice, stateOf, unloadable } from './tree.ts';

/** Always the same path, because the interpreter's messages contain the buildroot. */
function places(work: string, jobs: 2 | 8 = 2) {
  const [buildroot, outputs] = [join(work, 'buildroot'), join(work, 'outputs')];
  const files = ['--manifest', join(outputs, 'manifest.json'), '--filelist', join(outputs, 'files')];
  return { buildroot, outputs, call: quietBuild(buildroot, '-j', `${jobs}`, ...files) };
}

const signals = ['SIGKILL', 'SIGTERM', 'SIGINT'] as const;

/**
 * Kills pyclink or one of its workers at a random moment of a build of real sources, every other time over existing
 * pycs.
 */
export async function killCase(rounds: number, seed: number): Promise<Outcome> {
  const random = randomFrom(seed);
  const tally = new Tally();
  await inDirectory(async (work) => {
    const templates = [];
    for (const withPycs of [false, true]) {
      const template = join(work, `template-${withPycs}`);
      await stageSlice(template, withPycs);
      const place = places(join(work, `undisturbed-${withPycs}`));
      await prepare(place, template);
      const started = performance.now();
      const { status, stderr } = await pyclink(place.call);
      if (status !== 0) throw new Error(`the undisturbed build: status ${status}\n${stderr}`);
      const durationMs = performance.now() - started;
      templates.push({ template, durationMs, names: everythingIn(template), undisturbed: finalState(place) });
    }
    for (let round = 0; round < rounds; round++) {
      const { template, durationMs, names, undisturbed } = templates[round % 2] as (typeof templates)[number];
      const place = places(join(work, `round-${round}`), round % 4 < 2 ? 8 : 2);
      await prepare(place, template);
      const signal = signals[random(3)] as (typeof signals)[number];
      const atWorker = random(3) === 0;
      const delayMs = random(Math.ceil(durationMs * 1.1));
      const which = random(2);
      const name = `round ${round}, ${signal} to ${atWorker ? 'a worker' : 'pyclink'} after ${delayMs} ms`;

      const running = execa(process.execPath, [bundle, ...place.call], { reject: false });
      await sleep(delayMs);
      const workers = atWorker ? workersOf(place.buildroot) : [];
      const isOver = running.exitCode !== null;
      if (isOver || (atWorker && workers.length === 0)) tally.count('struck', 'nothing: it had ended');
      else if (atWorker)
        strike(workers[which % workers.length] as number, signal, () => tally.count('struck', 'a worker'));
      else strike(running.pid as number, signal, () => tally.count('struck', 'pyclink at work'));
      const ran = await running;

      const problems: string[] = [];
      const isExpected = ran.exitCode === 0 || (!atWorker && ran.signal === signal);
      if (!isExpected) problems.push(`status ${ran.exitCode}, signal ${ran.signal}: ${ran.stderr}`);
      problems.push(...(await unloadable(place.buildroot)));
      const after = new Set(everythingIn(place.buildroot));
      problems.push(...names.filter((path) => !after.has(path)).map((path) => `${path}: missing`));
      if (signal !== 'SIGKILL' || atWorker) {
        problems.push(...[place.buildroot, place.outputs].flatMap(leftoversIn).map((path) => `${path}: left`));
      }
      const next = await pyclink(place.call);
      if (next.status !== 0 || next.stderr !== '') problems.push(`the next run: ${next.status}: ${next.stderr}`);
      problems.push(...[place.buildroot, place.outputs].flatMap(leftoversIn).map((path) => `${path}: not removed`));
      problems.push(...manifestAgainst(join(place.outputs, 'manifest.json'), place.buildroot));
      if (!isDeepStrictEqual(finalState(place), undisturbed)) problems.push('the next run gives another result');
      tally.round(name, problems);
      await execa('rm', ['-rf', join(work, `round-${round}`)]);
    }
  });
  return tally.outcome;
}

async function prepare({ buildroot, outputs }: ReturnType<typeof places>, template: string): Promise<void> {
  mkdirSync(outputs, { recursive: true });
  await copyTree(template, buildroot);
}

function finalState({ buildroot, outputs }: ReturnType<typeof places>): unknown {
  return [stateOf(buildroot), stateOf(outputs)];
}

function strike(pid: number, signal: NodeJS.Signals, onDone: () => void): void {
  try {
    process.kill(pid, signal);
    onDone();
  } catch {
    // It has just ended.
  }
}
