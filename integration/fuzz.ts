/** Mutates real pycs and holds what comes out against the promises of the reader: `npm run fuzz [-- COUNT [SEED]]`. */
import { fuzz } from './helpers/fuzz.ts';

const [count = '100000', seed = '1'] = process.argv.slice(2);
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
