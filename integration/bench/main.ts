/**
 * `npm run bench [-- WORK… --rounds N --without NAME --json --picture FILE]`: runs pyclink and its peers in turn, round
 * by round, on real modules of Debian packages. Compares their results, and prints medians and ratios. See
 * docs/benchmarks.md. `npm run bench -- images --picture docs/start.svg` draws the start times in README.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus as processors, tmpdir } from 'node:os';
import { execaSync } from 'execa';
import { scriptCall } from '../helpers/script-call.ts';
import { clear } from './corpora.ts';
import { type Measured, measure } from './measure.ts';
import { isMissing } from './peers.ts';
import { type Row, rowsOf, rowsText, type Verdict, verdictText } from './table.ts';
import type { Entry, Work } from './work.ts';
import { works } from './works.ts';

interface Result {
  readonly work: string;
  readonly corpus: string;
  readonly rows: readonly Row[];
  readonly verdicts: readonly Verdict[];
  /** An SVG, if the work draws one. */
  readonly picture?: string;
}

const names = works.map(({ name }) => name);
const { values, positionals } = scriptCall(
  import.meta.filename,
  {
    rounds: { type: 'string', default: '5' },
    without: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
    picture: { type: 'string' },
  },
  (word) => names.includes(word),
  names,
);
const rounds = Math.max(1, Number(values.rounds) || 0);
const wanted = positionals.length > 0 ? positionals : names;
say(`${machine()}\n`);
const results: Result[] = [];
for (const work of works.filter(({ name }) => wanted.includes(name))) results.push(await run(work));
for (const { picture } of results) if (values.picture !== undefined && picture) writeFileSync(values.picture, picture);
if (values.json) process.stdout.write(`${JSON.stringify({ machine: machine(), results }, null, 2)}\n`);

async function run(work: Work): Promise<Result> {
  const contestants = work.contestants.filter((entry) => !values.without.includes(entry.name) && !leftOut(entry));
  clear();
  const corpus = await work.prepare();
  say(`\n## ${work.name}: ${corpus}\n\n`);
  const runs = new Map<Entry, Measured[]>(contestants.map((entry) => [entry, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [entry, earlier] of runs) {
      if (entry.once === true && round > 0) continue;
      for (let i = 0; i < (work.repetitions ?? 1); i++) {
        work.reset(entry);
        earlier.push(await measure(entry.command(entry.buildroot)));
      }
    }
  }
  await work.check(contestants);
  const rows = rowsOf(Array.from(runs, ([{ name }, measured]) => ({ name, runs: measured })));
  const verdicts = work.verdicts(rows);
  clear();
  say(`${rowsText(rows)}\n${verdicts.map(verdictText).join('')}`);
  const picture = work.picture?.(rows, verdicts);
  return { work: work.name, corpus, rows, verdicts, ...(picture === undefined ? {} : { picture }) };
}

function leftOut(entry: Entry): boolean {
  const missing = isMissing(entry);
  if (missing) process.stderr.write(`bench: skipped ${entry.name}: apt-get install ${entry.needs?.[1]}\n`);
  return missing;
}

function say(text: string): void {
  if (!values.json) process.stdout.write(text);
}

function machine(): string {
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ')[0];
  const all = processors();
  const fileSystem = execaSync('df', ['--output=fstype', tmpdir()]).stdout.split('\n')[1];
  return `${all.length} x ${all[0]?.model ?? 'CPU'}, Linux ${kernel}, Node.js ${process.version}, load ${load}, in ${tmpdir()} (${fileSystem})`;
}
