/**
 * Takes the standard library of every CPython of the machine through its normal form: the same code to the
 * interpreter, the same bytes however it was made. `npm run reproduce [-- 3.9 3.13]`. With `--machines`, compiles the
 * top of the standard library on other machines: the same bytes wherever it was made.
 */
import { readdirSync } from 'node:fs';
import { allPythons, systemPython } from '../test/helpers/pythons.ts';
import { machines } from '../test/helpers/worlds.ts';
import { compareWithMachine } from './helpers/machines.ts';
import { checkNormalForm, checkReproducible } from './helpers/normal-form.ts';
import { scriptCall } from './helpers/script-call.ts';

const minors = [...new Set(allPythons.map(({ minor }) => minor))];
const { values, positionals: wanted } = scriptCall(
  import.meta.filename,
  { machines: { type: 'boolean' } },
  (word) => minors.includes(word),
  minors,
);
await (values.machines === true ? reproduceOnMachines() : reproduceHere());

async function reproduceHere(): Promise<void> {
  for (const python of allPythons.filter(({ minor }) => wanted.length === 0 || wanted.includes(minor))) {
    const { pycs, rewritten, problems } = await checkNormalForm(python);
    const differing = await checkReproducible(python);
    process.stdout.write(
      `${python.executable} (${python.version}): ${pycs} pycs, ${rewritten} rewritten, ${problems.length} problems; ` +
        `${differing.length} pycs differ between builds\n`,
    );
    reportProblems([...problems, ...differing]);
  }
}

async function reproduceOnMachines(): Promise<void> {
  const modules = readdirSync(systemPython.library).filter((name) => name.endsWith('.py'));
  const names = [...modules, 'email', 'json'];
  for (const machine of machines) {
    if (machine.missing !== undefined) {
      reportProblems([`${machine.name} is missing: ${machine.missing}`]);
      continue;
    }
    const { pycs, differing } = await compareWithMachine(machine, names);
    process.stdout.write(`${machine.name}: ${pycs} pycs, ${differing.length} differ from this machine's\n`);
    reportProblems(differing);
  }
}

function reportProblems(problems: readonly string[]): void {
  for (const problem of problems) process.stdout.write(`  ${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
}
