/**
 * Holds pyclink against the interpreter's own compileall over a whole standard library: the same pycs to the byte, the
 * same modes, the same hard links; and each pyc, also in normal form, against what `compile()` makes of its source.
 * Runs for every Python of the machine: `npm run differential [-- 3.9 3.13]`.
 */
import { allPypys, allPythons } from '../test/helpers/pythons.ts';
import { compareWithCompileall } from './helpers/compileall.ts';
import { scriptCall } from './helpers/script-call.ts';

const pythons = [...allPythons, ...allPypys];
const minors = [...new Set(pythons.map(({ minor }) => minor))];
const { positionals: wanted } = scriptCall(import.meta.filename, {}, (word) => minors.includes(word), minors);
let differences = 0;
for (const python of pythons.filter(({ minor }) => wanted.length === 0 || wanted.includes(minor))) {
  const result = await compareWithCompileall(python);
  differences += result.differences.length;
  const { before, after, rest } = result;
  const mebibytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(1);
  process.stdout.write(
    `${python.name}: ${result.pycs} pycs, ${result.groups} files, ` +
      `${mebibytes(before)} -> ${mebibytes(after)} MiB ` +
      `(library ${mebibytes(rest + before)} -> ${mebibytes(rest + after)} MiB), ${result.held} times held to compile(), ${result.differences.length} differences` +
      `${result.referenceBits.length === 0 ? '' : `, ${result.referenceBits.length} differ in FLAG_REF only`}\n`,
  );
  for (const difference of result.differences.slice(0, 20)) process.stdout.write(`  ${difference}\n`);
}
process.exitCode = differences === 0 ? 0 : 1;
