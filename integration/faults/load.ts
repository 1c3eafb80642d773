import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { everythingIn } from '../../test/helpers/buildroot.ts';
import { bundle } from '../../test/helpers/pyclink.ts';
import { stageSynthetic } from '../bench/corpora.ts';
import { quietBuild } from '../helpers/healthy.ts';
import { type Outcome, Tally } from './case.ts';
import { inDirectory, leftoversIn, unloadable } from './tree.ts';

const sampleEveryMs = 100;

/** What a process has at a moment. */
interface Sample {
  /** The most resident memory that it ever had. */
  readonly peakMebibytes: number;
  readonly descriptors: number;
  readonly zombies: number;
  /** How often it has written something. */
  readonly writes: number;
}

/**
 * Builds a tree of many small sources, a tenth of it first. A round is a source.
 * @param rounds how many sources
 */
export async function loadCase(rounds: number): Promise<Outcome> {
  const tally = new Tally();
  for (const sources of [Math.ceil(rounds / 10), rounds]) {
    await inDirectory(async (work) => {
      const buildroot = join(work, 'buildroot');
      stageSynthetic(buildroot, sources);
      const started = performance.now();
      const call = quietBuild(buildroot, '--manifest', join(work, 'manifest.json'));
      const running = execa(process.execPath, [bundle, ...call], { reject: false, all: true });
      let isOver = false;
      const ended = running.finally(() => {
        isOver = true;
      });
      const samples: Sample[] = [];
      while (!isOver) {
        const sample = sampleOf(running.pid as number);
        if (sample !== undefined) samples.push(sample);
        await sleep(sampleEveryMs);
      }
      const ran = await ended;
      const milliseconds = (performance.now() - started) / sources;

      const most = (what: keyof Sample) => Math.max(...samples.map((sample) => sample[what]));
      const text = [
        `${Math.round(most('peakMebibytes'))} MiB at most, ${most('descriptors')} descriptors`,
        `${most('zombies')} zombies, ${milliseconds.toFixed(2)} ms per source`,
        `nothing written for ${((longestStall(samples) * sampleEveryMs) / 1000).toFixed(1)} s at most`,
      ].join(', ');
      tally.count(`${sources} sources: ${text}; exit status`, String(ran.exitCode));
      if (sources < rounds) return;
      const problems = ran.exitCode === 0 && ran.all === '' ? [] : [`status ${ran.exitCode}: ${ran.all}`];
      // A worker has three pipes and a child's end is reaped at once.
      if (most('descriptors') > 60) problems.push('descriptors are left open');
      // All of them may end in the same moment, but none is replaced.
      if (most('zombies') > availableParallelism()) problems.push('ended workers remain as zombies');
      const missing = 3 * sources - everythingIn(buildroot).filter((path) => path.endsWith('.pyc')).length;
      if (missing > 0) problems.push(`${missing} pycs are missing`);
      problems.push(...(await unloadable(buildroot)), ...leftoversIn(buildroot));
      for (let source = 0; source < sources; source++) tally.round('all', source === 0 ? problems : []);
    });
  }
  return tally.outcome;
}

function sampleOf(pid: number): Sample | undefined {
  try {
    const [status, io] = ['status', 'io'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8')) as [
      string,
      string,
    ];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    const isZombie = (child: string) => / Z /.test(readFileSync(`/proc/${child}/stat`, 'utf8'));
    return {
      peakMebibytes: Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]) / 1024,
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      zombies: children.filter(isZombie).length,
      writes: Number(/^syscw: (\d+)/m.exec(io)?.[1]),
    };
  } catch {
    return undefined; // It has just ended, or one of its children has.
  }
}

/** For how many samples in a row nothing was written once the first pyc was. */
function longestStall(samples: readonly Sample[]): number {
  let [longest, current] = [0, 0];
  samples.forEach(({ writes }, i) => {
    const before = samples[i - 1];
    current = before !== undefined && before.writes === writes && writes > 1000 ? current + 1 : 0;
    longest = Math.max(longest, current);
  });
  return longest;
}
