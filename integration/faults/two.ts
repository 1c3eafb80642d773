import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { execa } from 'execa';
import { everythingIn } from '../../test/helpers/buildroot.ts';
import { pyclink } from '../../test/helpers/pyclink.ts';
import { systemPython } from '../../test/helpers/pythons.ts';
import { library, quietBuild } from '../helpers/healthy.ts';
import { randomFrom } from '../helpers/random.ts';
import { type Outcome, Tally } from './case.ts';
import { copyTree, harmIn, inDirectory, stageSlice, stateOf } from './tree.ts';

/** Imports all modules of a library, again and again in new processes, until its input ends; says what went wrong. */
const importer = `
import importlib, pkgutil, select, subprocess, sys
script = "import importlib, sys; sys.path.insert(0, sys.argv[1]); [importlib.import_module(m) for m in sys.argv[2:]]"
modules = ["json.tool", "email.mime.text", "wsgiref.simple_server", "logging.config", "importlib.resources"]
while not select.select([sys.stdin], [], [], 0)[0]:
    ran = subprocess.run([sys.executable, "-S", "-B", "-c", script, sys.argv[1], *modules], stderr=subprocess.PIPE)
    if ran.returncode != 0:
        print(ran.stderr.decode())
        break
`;

/**
 * Two runs of pyclink on one buildroot, begun at about the same time, every other time over pycs that are there already
 * and with a Python that imports what they write.
 */
export async function twoCase(rounds: number, seed: number): Promise<Outcome> {
  const tally = new Tally();
  const random = randomFrom(seed);
  await inDirectory(async (work) => {
    for (let round = 0; round < rounds; round++) {
      const withPycs = round % 2 === 1;
      const template = join(work, `template-${withPycs}`);
      const [buildroot, undisturbed] = [join(work, 'buildroot'), join(work, `undisturbed-${withPycs}`)];
      if (round < 2) {
        await stageSlice(template, withPycs);
        await copyTree(template, undisturbed);
        await pyclink(quietBuild(undisturbed));
      }
      await copyTree(template, buildroot);
      const others = [quietBuild(buildroot), ['link', '--buildroot', buildroot, '-q', '--normalize']] as const;
      const other = others[random(2)] as readonly string[];
      const importing = execa(systemPython.executable, ['-c', importer, join(buildroot, library)], { stdin: 'pipe' });
      const late = random(400);
      const both = await Promise.all([
        pyclink(quietBuild(buildroot)),
        new Promise((resolve) => setTimeout(resolve, late)).then(() => pyclink(other)),
      ]);
      importing.stdin.end();
      const problems = (await importing).stdout.split('\n').filter(Boolean);
      for (const { status, stderr } of both) {
        if (status !== 0) problems.push(`status ${status}: ${stderr}`);
      }
      problems.push(...(await harmIn(buildroot, everythingIn(template))));
      const next = await pyclink(quietBuild(buildroot));
      if (next.status !== 0 || next.stderr !== '') problems.push(`the next run: ${next.status}: ${next.stderr}`);
      if (!isDeepStrictEqual(stateOf(buildroot), stateOf(undisturbed)))
        problems.push('the next run gives another result');
      tally.round(`round ${round}, ${other[0]} after ${late} ms`, problems);
      await execa('rm', ['-rf', buildroot]);
    }
  });
  return tally.outcome;
}
