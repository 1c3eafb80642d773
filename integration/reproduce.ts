/**
 * Takes the standard library of every CPython of the machine through its normal form: the same code to the
 * interpreter, the same bytes however it was made. `npm run reproduce [-- 3.9 3.13]`.
 */
import { allPythons } from '../test/helpers/pythons.ts';
import { checkNormalForm, checkReproducible } from './helpers/normal-form.ts';

const wanted = process.argv.slice(2);
for (const python of allPythons.filter(({ minor }) => wanted.length === 0 || wanted.includes(minor))) {
  const { pycs, rewritten, problems } = await checkNormalForm(python);
  const differing = await checkReproducible(python);
  process.stdout.write(
    `${python.executable} (${python.version}): ${pycs} pycs, ${rewritten} rewritten, ${problems.length} problems; ` +
      `${differing.length} pycs differ between builds\n`,
  );
  for (const problem of [...problems, ...differing]) process.stdout.write(`  ${problem}\n`);
  if (problems.length + differing.length > 0) process.exitCode = 1;
}
