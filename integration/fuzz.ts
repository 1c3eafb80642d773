/**
 * `npm run fuzz -- KIND COUNT [SEED]`: five kinds of odd input:
 * - `npm run fuzz -- code COUNT [SEED [MINOR…]]` has every Python of the machine, or those that are named (`3.13`), and
 *   pyclink compile odd programs, and holds every pyc against `compile()`. TMPDIR may lead to a memory file system.
 * - `npm run fuzz -- audit COUNT [SEED]` holds which mutated pycs audit calls damaged against importlib.
 * - `npm run fuzz -- recompile [COUNT [SEED]]` changes one thing in each of COUNT pycs, and has audit --recompile find them.
 * - `npm run fuzz -- payload COUNT [SEED]` has audit read archives that are garbled, nested, sparse and huge.
 * - `npm run fuzz -- [pyc] COUNT [SEED]` mutates real pycs and holds what comes out against the promises of the reader.
 * Either ends with status 1 if it finds something.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allPypys, allPythons, type RealPython } from '../test/helpers/pythons.ts';
import { fuzz } from './helpers/fuzz.ts';
import { fuzzAudit } from './helpers/fuzz-audit.ts';
import { fuzzCode } from './helpers/fuzz-code.ts';
import { fuzzPayload } from './helpers/fuzz-payload.ts';
import { fuzzRecompile } from './helpers/fuzz-recompile.ts';
import { scriptCall } from './helpers/script-call.ts';

/** How many interpreters are at work at a time: each has one process busy. */
const atATime = 2;

const kinds = ['code', 'audit', 'recompile', 'payload', 'pyc'];
const { positionals } = scriptCall(
  import.meta.filename,
  {},
  (word) => kinds.includes(word) || /^\d+(\.\d+)?$/.test(word),
  kinds,
);
const [kind, ...rest] = positionals;
if (kind === 'code') await fuzzAllCode(rest);
else if (kind === 'audit') await fuzzPycsOfAudit(rest);
else if (kind === 'recompile') await fuzzPycsOfRecompile(rest);
else if (kind === 'payload') await fuzzArchives(rest);
else await fuzzPycs(kind === 'pyc' ? rest : positionals);

async function fuzzAllCode([count = '2000', seed = '1', ...minors]: readonly string[]): Promise<void> {
  const pythons = [...allPythons, ...allPypys];
  const waiting = pythons.filter(({ minor }) => minors.length === 0 || minors.includes(minor));
  const next = async (): Promise<void> => {
    for (let python = waiting.shift(); python !== undefined; python = waiting.shift()) {
      await fuzzCodeOf(python, Number(count), seed);
    }
  };
  await Promise.all(Array.from({ length: atATime }, next));
}

async function fuzzCodeOf(python: RealPython, count: number, seed: string): Promise<void> {
  const started = performance.now();
  const { programs, compared, wrong, missing, refused, crashed, findings } = await fuzzCode(python, count, seed);
  const milliseconds = ((performance.now() - started) / programs).toFixed(1);
  process.stdout.write(
    `${python.name}: ${programs} programs, ${compared} pycs compared, ${wrong} wrong, ` +
      `${missing} missing; ${refused} do not compile, ${crashed} crash the compiler; ${milliseconds} ms a program\n`,
  );
  for (const finding of findings) process.stdout.write(`  ${finding}\n`);
  if (wrong + missing > 0) process.exitCode = 1;
}

async function fuzzPycsOfAudit([count = '100000', seed = '1']: readonly string[]): Promise<void> {
  const started = performance.now();
  const { tried, damaged, findings } = await fuzzAudit(Number(count), Number(seed));
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stdout.write(
    `${tried} mutated pycs in ${seconds} s, seed ${seed}: ${damaged} damaged; ${findings.size} reasons wrong\n`,
  );
  for (const [what, { times, example }] of findings) process.stdout.write(`${times} ${what}: ${example}\n`);
  if (findings.size > 0) process.exitCode = 1;
}

async function fuzzPycsOfRecompile([
  count = '500',
  seed = `${Math.floor(Math.random() * 1_000_000)}`,
]: readonly string[]): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'pyclink-fuzz-'));
  try {
    const { changed, falseAlarms, missed, others } = await fuzzRecompile(directory, Number(count), Number(seed));
    const kinds = Array.from(changed, ([what, times]) => `${times} ${what}`).join(', ');
    process.stdout.write(
      `${count} pycs changed, seed ${seed} (${kinds}): ${missed.length} not found, ${others.length} false findings, ` +
        `${falseAlarms.length} before the changes\n`,
    );
    for (const finding of [...missed, ...others, ...falseAlarms]) process.stdout.write(`  ${finding}\n`);
    if (missed.length + others.length + falseAlarms.length > 0) process.exitCode = 1;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function fuzzArchives([count = '2000', seed = '1']: readonly string[]): Promise<void> {
  const started = performance.now();
  const { tried, read, refused, slowestMs, largestMiB, findings } = await fuzzPayload(Number(count), Number(seed));
  process.stdout.write(
    `${tried} archives in ${Math.round((performance.now() - started) / 1000)} s, seed ${seed}: ${read} read, ` +
      `${refused} refused, ${findings.length} findings; slowest ${(slowestMs / 1000).toFixed(1)} s; ` +
      `at most ${largestMiB} MiB\n`,
  );
  for (const finding of findings) process.stdout.write(`${finding}\n`);
  if (findings.length > 0) process.exitCode = 1;
}

async function fuzzPycs([count = '100000', seed = '1']: readonly string[]): Promise<void> {
  const started = performance.now();
  const { tried, changed, refused, slowestMs, largestRatio, findings } = await fuzz(Number(count), Number(seed));
  const reasons = [...refused].sort((a, b) => b[1] - a[1]).map(([reason, times]) => `  ${times} ${reason}\n`);
  process.stdout.write(
    `${tried} mutated pycs in ${Math.round((performance.now() - started) / 1000)} s, seed ${seed}: ` +
      `${changed} changed, ${findings.length} findings\n` +
      `slowest ${slowestMs.toFixed(0)} ms; largest output ${largestRatio.toFixed(2)} times its input; ` +
      `resident ${Math.round(process.memoryUsage.rss() / 1024 / 1024)} MiB at the end\nrefused:\n${reasons.join('')}`,
  );
  for (const finding of findings) process.stdout.write(`${finding}\n`);
  if (findings.length > 0) process.exitCode = 1;
}
