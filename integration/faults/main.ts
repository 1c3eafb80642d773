/**
 * Injects faults into pyclink runs and reports losses: `npm run faults [-- --seed N CASE… CASE=ROUNDS…]`. Without a
 * CASE, runs all of them.
 */
import { scriptCall } from '../helpers/script-call.ts';
import { cacheCase } from './cache.ts';
import type { FaultCase } from './case.ts';
import { diskCase } from './disk.ts';
import { hostileCase } from './hostile.ts';
import { inputCase } from './input.ts';
import { killCase } from './kill.ts';
import { limitsCase } from './limits.ts';
import { loadCase } from './load.ts';
import { overlayCase } from './overlay.ts';
import { refusalsCase } from './refusals.ts';
import { swapCase } from './swap.ts';
import { twoCase } from './two.ts';

/** The cases by name, and the number of rounds in a long run. */
const cases: Readonly<Record<string, readonly [FaultCase, number]>> = {
  kill: [killCase, 150],
  swap: [swapCase, 10_000],
  refusals: [refusalsCase, 300],
  disk: [diskCase, 180],
  hostile: [hostileCase, 27],
  input: [inputCase, 20_000],
  two: [twoCase, 100],
  limits: [limitsCase, 100],
  load: [loadCase, 100_000],
  cache: [cacheCase, 1_000],
  overlay: [(rounds) => overlayCase(rounds, true), 52],
};

const { values, positionals } = scriptCall(
  import.meta.filename,
  { seed: { type: 'string' } },
  (asked) => Object.hasOwn(cases, asked.replace(/=\d+$/, '')),
  Object.keys(cases),
);
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));

process.stdout.write(`seed ${seed}\n`);
for (const asked of positionals.length > 0 ? positionals : Object.keys(cases)) {
  const [name, given] = asked.split('=') as [string, string?];
  const [run, usual] = cases[name] as readonly [FaultCase, number];
  const started = performance.now();
  const { tried, survived, lost, notes = [] } = await run(given === undefined ? usual : Number(given), seed);
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stdout.write(`${name}: ${tried} tried, ${survived} survived, ${lost} lost (${seconds} s)\n`);
  for (const note of notes) process.stdout.write(`  ${note}\n`);
  if (lost > 0) process.exitCode = 1;
}
