import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { execa } from 'execa';
import { leftoverOf } from '../../test/helpers/leftovers.ts';
import { pyclink } from '../../test/helpers/pyclink.ts';
import { systemPython } from '../../test/helpers/pythons.ts';
import { fingerprintOf } from '../helpers/canary.ts';
import { stage } from '../helpers/compileall.ts';
import { library, quietBuild } from '../helpers/healthy.ts';
import { type Outcome, Tally } from './case.ts';
import { copyTree, inDirectory, stateOf } from './tree.ts';

/**
 * Exchanges a directory with a symlink to the canary, in one step, and takes that back, at moments of its own choice,
 * until its input ends; then says how often.
 */
const swapper = `
import ctypes, os, random, select, sys, time
choose, done = random.Random(int(sys.argv[1])), 0
libc, here, RENAME_EXCHANGE = ctypes.CDLL(None, use_errno=True), -100, 2
pairs = list(zip(sys.argv[2::2], sys.argv[3::2]))
def exchange(a, b):
    if libc.renameat2(here, os.fsencode(a), here, os.fsencode(b), RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2", a)
while not select.select([sys.stdin], [], [], 0)[0]:
    directory, symlink = choose.choice(pairs)
    exchange(directory, symlink)
    time.sleep(choose.random() * 0.003)
    exchange(symlink, directory)
    time.sleep(choose.random() * 0.003)
    done += 1
print(done)
`;

/** What the swapper swaps: each leads to the sources and the pycs in another way. */
const swapped = ['usr/lib', library.slice(1), `${library.slice(1)}/json`, `${library.slice(1)}/json/__pycache__`];

/**
 * Swaps directories of a buildroot for symlinks to the same tree outside while pyclink works on it, with each
 * subcommand in turn. The tree outside has all that pyclink would change: sources to clamp, pycs to link and to
 * plainPath, what a killed run left. A round is a swap.
 */
export async function swapCase(rounds: number, seed: number): Promise<Outcome> {
  const tally = new Tally();
  await inDirectory(async (work) => {
    const at = (name: string) => join(work, name);
    await plantTemplate(at('template'));
    for (const name of ['canary', 'undisturbed']) await copyTree(at('template'), at(name));
    const env = { SOURCE_DATE_EPOCH: '1500000000' };
    const build = (directory: string) => quietBuild(directory, '-j', '2', '--manifest', at('manifest.json'));
    await pyclink(build(at('undisturbed')), { env });
    const [before, undisturbed] = [fingerprintOf(at('canary')), stateOf(at('undisturbed'))];
    const buildroot = at('buildroot');
    const calls = [
      build(buildroot),
      ['link', '--buildroot', buildroot, '-q'],
      ['link', '--buildroot', buildroot, '-q', '--normalize'],
      ['relink', '--buildroot', buildroot, '-q', '--manifest', at('relink.json')],
    ];
    await copyTree(at('manifest.json'), at('relink.json'));

    const pairs = swapped.flatMap((path, i) => {
      symlinkSync(join(at('canary'), path), at(`symlink-${i}`));
      return [join(buildroot, path), at(`symlink-${i}`)];
    });
    for (let [run, done] = [0, 0]; done < rounds; run++) {
      await copyTree(at('template'), buildroot);
      const attack = execa(systemPython.executable, ['-c', swapper, String(seed + run), ...pairs], { stdin: 'pipe' });
      const call = calls[run % calls.length] as string[];
      const ran = await pyclink(call, { env });
      attack.stdin.end();
      const swaps = Number((await attack).stdout);
      const problems: string[] = [];
      tally.count(`runs of ${call[0]} by exit status`, String(ran.status));
      if (ran.status === undefined || ran.status > 3) problems.push(`status ${ran.status}\n${ran.stderr}`);
      if (!isDeepStrictEqual(fingerprintOf(at('canary')), before)) problems.push('the canary has changed');
      const last = await pyclink(build(buildroot), { env });
      if (last.status !== 0) problems.push(`the next run: ${last.status}: ${last.stderr}`);
      if (!isDeepStrictEqual(stateOf(buildroot), undisturbed)) problems.push('the next run gives another result');
      for (let swap = 0; swap < swaps; swap++) tally.round(`run ${run}, ${call[0]}`, swap === 0 ? problems : []);
      done += swaps;
      await execa('rm', ['-rf', buildroot]);
    }
  });
  return tally.outcome;
}

/** Sources with pycs of compileall, and temporary files of a run that was killed. */
async function plantTemplate(directory: string): Promise<void> {
  stage(systemPython, join(directory, library), ['json', 'wsgiref']);
  const levels = ['-o', '0', '-o', '1', '-o', '2'];
  await execa(systemPython.executable, ['-m', 'compileall', '-q', ...levels, '-s', directory, '-p', '/', directory]);
  const ended = execa('true');
  await ended;
  const leftover = leftoverOf(ended.pid);
  for (const place of [`${library}/json`, `${library}/json/__pycache__`]) {
    writeFileSync(join(directory, place, leftover), 'half');
  }
}
