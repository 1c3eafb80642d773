import { join } from 'node:path';
import { execa } from 'execa';
import { getOrAdd } from '../../src/get-or-add.ts';
import { pycFactsOf } from '../../src/marshal/pyc-facts.ts';
import { releaseOf } from '../../src/pyc/releases.ts';
import { allPythons, type RealPython } from '../../test/helpers/pythons.ts';
import { mutate, realPycs } from './fuzz.ts';
import { randomFrom } from './random.ts';

export interface FuzzedAudit {
  readonly tried: number;
  /** How many audit calls damaged. */
  readonly damaged: number;
  /** Why audit calls pycs damaged that importlib loads, how often, and such a pyc. */
  readonly findings: ReadonlyMap<string, { times: number; readonly example: string }>;
}

/** So many at a time are held against an interpreter. */
const batch = 5000;

/** Mutates pycs of every interpreter here, and has importlib load those that audit calls damaged. */
export async function fuzzAudit(count: number, seed: number): Promise<FuzzedAudit> {
  const random = randomFrom(seed);
  const pycs = await realPycs();
  const findings = new Map<string, { times: number; readonly example: string }>();
  let [tried, damaged] = [0, 0];
  while (tried < count) {
    for (const python of allPythons) {
      const isOwn = (pyc: Buffer) => releaseOf(pyc.readUInt16LE(0)).name === `CPython ${python.minor}`;
      const own = pycs.filter(isOwn);
      const mutated = Array.from({ length: Math.min(batch, count - tried) }, () =>
        mutate(own[random(own.length)] as Buffer, random),
      ).filter((pyc) => pyc.length < 4 || isOwn(pyc));
      tried += mutated.length;
      const refused = mutated.flatMap((pyc) => {
        const why = damageIn(pyc);
        return why === undefined ? [] : [{ pyc, why }];
      });
      damaged += refused.length;
      const answers = await loaded(
        python,
        refused.map(({ pyc }) => pyc),
      );
      for (const [i, { pyc, why }] of refused.entries()) {
        if (answers[i] !== '') continue;
        const known = { times: 0, example: pyc.toString('base64') };
        getOrAdd(findings, `${python.name}: ${why}`, () => known).times += 1;
      }
    }
  }
  return { tried, damaged, findings };
}

function damageIn(pyc: Buffer): string | undefined {
  const { header, damage } = pycFactsOf(pyc, 'in-depth');
  return 'unreadable' in header ? header.unreadable : damage;
}

/** What importlib says of each: empty if it loads. A pyc that ends the interpreter is asked for no second time. */
async function loaded(python: RealPython, pycs: readonly Buffer[]): Promise<string[]> {
  const answers: string[] = [];
  while (answers.length < pycs.length) {
    const rest = pycs.slice(answers.length);
    const input = Buffer.concat(rest.flatMap((pyc) => [sizeOf(pyc), pyc]));
    const script = join(import.meta.dirname, 'load-pycs.py');
    const { stdout, exitCode } = await execa(python.executable, ['-S', script], {
      input,
      reject: false,
      maxBuffer: 2 ** 30,
    });
    const lines = stdout === '' ? [] : stdout.split('\n');
    answers.push(...lines.map((line) => line.slice(1, -1)));
    if (exitCode !== 0) answers.push(`ends the interpreter with ${exitCode}`);
  }
  return answers;
}

function sizeOf(pyc: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(pyc.length);
  return size;
}
