import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { execa } from 'execa';
import { everythingIn } from '../../test/helpers/buildroot.ts';
import { bundle, pyclink } from '../../test/helpers/pyclink.ts';
import { quietBuild } from '../helpers/healthy.ts';
import { randomFrom } from '../helpers/random.ts';
import { type Outcome, Tally } from './case.ts';
import { copyTree, harmIn, inDirectory, stageSlice, stateOf } from './tree.ts';

/** An ordinary user who runs nothing else: a limit of processes counts all that the user has. */
const user = 60_000;

/** Options of ulimit, from too little to start with up to enough. With fewer than six threads Node.js itself waits forever. */
const limits = [
  ['-n', 16, 64],
  ['-v', 200_000, 1_500_000],
  ['-u', 6, 30],
  ['-f', 1, 60],
] as const;

/** Builds as an ordinary user with few open files, little memory, few processes, small files. */
export async function limitsCase(rounds: number, seed: number): Promise<Outcome> {
  const tally = new Tally();
  const random = randomFrom(seed);
  await inDirectory(async (work) => {
    const [template, undisturbed] = [join(work, 'template'), join(work, 'undisturbed')];
    await stageSlice(template, true);
    await execa('chown', ['-R', `${user}:${user}`, template]);
    await copyTree(template, undisturbed);
    await pyclink(quietBuild(undisturbed), { uid: user });
    const names = everythingIn(template);
    for (let round = 0; round < rounds; round++) {
      const [option, least, most] = limits[round % limits.length] as (typeof limits)[number];
      const limit = least + random(most - least);
      const buildroot = join(work, `round-${round}`, 'buildroot');
      mkdirSync(join(work, `round-${round}`));
      await copyTree(template, buildroot);
      // dash has no -u. The limit is an argument of its own, and so is everything that has a path in it.
      const errors = ['--errors', ['fail', 'warn'][random(2)] as string];
      const limited = ['-c', `ulimit ${option} "$1" && shift && exec "$@"`, 'sh', String(limit)];
      const ran = await execa(
        'bash',
        [...limited, process.execPath, bundle, ...quietBuild(buildroot, '-j', '3', ...errors)],
        {
          uid: user,
          gid: user,
          reject: false,
          env: { HOME: '/nonexistent' },
          all: true,
        },
      );
      // Node itself may abort, which leaves what a kill leaves; the next run removes it.
      const isKilled = ran.signal !== undefined;
      const problems = (await harmIn(buildroot, names)).filter((problem) => !isKilled || !problem.endsWith(': left'));
      tally.count(`runs under ulimit ${option} by exit status or signal`, ran.signal ?? String(ran.exitCode));
      if (ran.exitCode === 70) problems.push(`reports a bug: ${ran.all}`);
      if (ran.exitCode === 0 && !isDeepStrictEqual(stateOf(buildroot), stateOf(undisturbed))) {
        problems.push('status 0, but something is missing');
      }
      if (ran.exitCode !== 0 && ran.all === '' && !isKilled) problems.push('reports nothing');
      const next = await pyclink(quietBuild(buildroot), { uid: user });
      if (next.status !== 0 || next.stderr !== '') problems.push(`the next run: ${next.status}: ${next.stderr}`);
      if (!isDeepStrictEqual(stateOf(buildroot), stateOf(undisturbed)))
        problems.push('the next run gives another result');
      tally.round(`round ${round}, ulimit ${option} ${limit}`, problems);
      await execa('rm', ['-rf', join(work, `round-${round}`)]);
    }
  });
  return tally.outcome;
}
