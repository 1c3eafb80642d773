import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { execa } from 'execa';
import { checkEntry } from '../../src/cache/entry.ts';
import { everythingIn } from '../../test/helpers/buildroot.ts';
import { bundle, pyclink } from '../../test/helpers/pyclink.ts';
import { quietBuild } from '../helpers/healthy.ts';
import { randomFrom } from '../helpers/random.ts';
import { type Outcome, Tally } from './case.ts';
import { copyTree, inDirectory, stageSlice, stateOf } from './tree.ts';

/**
 * Kills a build at a random moment while it fills a cache, every third time next to another build that fills the same
 * cache. Afterwards no entry may be wrong.
 */
export async function cacheCase(rounds: number, seed: number): Promise<Outcome> {
  const random = randomFrom(seed);
  const tally = new Tally();
  await inDirectory(async (work) => {
    const [template, undisturbed, cache] = [join(work, 'template'), join(work, 'undisturbed'), join(work, 'cache')];
    mkdirSync(cache);
    await stageSlice(template, false);
    await copyTree(template, undisturbed);
    const started = performance.now();
    await pyclink(quietBuild(undisturbed));
    const durationMs = performance.now() - started;
    const right = stateOf(undisturbed);
    for (let round = 0; round < rounds; round++) {
      const buildroots = [0, 1].slice(0, round % 3 === 0 ? 2 : 1).map((which) => join(work, `buildroot-${which}`));
      for (const buildroot of buildroots) await copyTree(template, buildroot);
      removeSome(cache, random(4));
      const delayMs = random(Math.ceil(durationMs * 1.1));
      const mask = ['022', '077'][random(2)] as string;
      const problems: string[] = [];
      const running = buildroots.map((buildroot) => {
        const call = [process.execPath, bundle, ...quietBuild(buildroot, '--cache-dir', cache)];
        return execa('sh', ['-c', `umask ${mask}; exec "$@"`, 'sh', ...call], { reject: false });
      });
      await sleep(delayMs);
      tally.count('struck', running[0]?.kill('SIGKILL') ? 'at work' : 'nothing: it was over');
      const [, other] = await Promise.all(running);
      if (other !== undefined && (other.exitCode !== 0 || other.stderr !== '')) problems.push(`other: ${other.stderr}`);
      problems.push(...lyingEntries(cache));
      for (const buildroot of buildroots) {
        rmSync(buildroot, { recursive: true });
        await copyTree(template, buildroot);
        const next = await pyclink(quietBuild(buildroot, '--cache-dir', cache, '--cache-verify'));
        if (next.status !== 0 || next.stderr !== '') problems.push(`the next run: ${next.status}: ${next.stderr}`);
        if (!isDeepStrictEqual(stateOf(buildroot), right)) problems.push('the next run gives another result');
        rmSync(buildroot, { recursive: true });
      }
      tally.round(`round ${round}, umask ${mask}, after ${delayMs} ms`, problems);
    }
  });
  return tally.outcome;
}

function entriesIn(cache: string): string[] {
  return everythingIn(cache).filter((path) => /^v1\/..\/[0-9a-f]{64}$/.test(path));
}

/** Removes one in this many entries; 0: none. */
function removeSome(cache: string, oneIn: number): void {
  const entries = entriesIn(cache).filter((path) => oneIn > 0 && Number.parseInt(path.slice(-8), 16) % oneIn === 0);
  for (const path of entries) rmSync(join(cache, path));
}

/** Entries whose content does not match their name. */
function lyingEntries(cache: string): string[] {
  return entriesIn(cache).filter((path) => checkEntry(path.slice(-64), readFileSync(join(cache, path))) !== 'whole');
}
