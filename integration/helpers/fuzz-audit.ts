import { join } from 'node:path';
import { execa } from 'execa';
import { getOrAdd } from '../../src/get-or-add.ts';
import { pycFactsOf } from '../../src/marshal/pyc-facts.ts';
import { codeLayoutOf, releaseOf } from '../../src/pyc/releases.ts';
import { allPythons, type RealPython } from '../../test/helpers/pythons.ts';
import { mutate, realPycs } from './fuzz.ts';
import { randomFrom } from './random.ts';

export interface FuzzedAudit {
  readonly tried: number;
  /** How many audit calls sound, and importlib loads. */
  readonly sound: number;
  /** How many audit calls damaged; and of those the ones that importlib loads all the same, with why. */
  readonly damaged: number;
  readonly loadedAllTheSame: ReadonlyMap<string, number>;
  /** What importlib says of a pyc that audit calls sound, how often, and such a pyc. */
  readonly findings: ReadonlyMap<string, { times: number; readonly example: string }>;
}

/** So many at a time are held against an interpreter. */
const batch = 5000;

/** Reads mutated pycs of every interpreter here as audit does, and has importlib load them. */
export async function fuzzAudit(count: number, seed: number): Promise<FuzzedAudit> {
  const random = randomFrom(seed);
  const pycs = await realPycs();
  const loadedAllTheSame = new Map<string, number>();
  const findings = new Map<string, { times: number; readonly example: string }>();
  let [tried, sound, damaged] = [0, 0, 0];
  while (tried < count) {
    for (const python of allPythons) {
      const own = pycs.filter((pyc) => releaseOf(pyc.readUInt16LE(0)).name === `CPython ${python.minor}`);
      const mutated = Array.from({ length: Math.min(batch, count - tried) }, () =>
        mutate(own[random(own.length)] as Buffer, random),
      ).filter((pyc) => pyc.length < 4 || releaseOf(pyc.readUInt16LE(0)).name === `CPython ${python.minor}`);
      tried += mutated.length;
      const answers = await loaded(python, mutated);
      for (const [i, pyc] of mutated.entries()) {
        const why = damageIn(pyc);
        // Mutated instructions may have damaged the memory of the interpreter before: what counts is a fresh one's word.
        const isSuspect = why === undefined && answers[i] !== '';
        const answer = isSuspect ? (await loaded(python, [pyc]))[0] : answers[i];
        if (why === undefined && answer === '') sound += 1;
        else if (why === undefined) {
          getOrAdd(findings, `${python.name}: ${answer}`, () => ({
            times: 0,
            example: pyc.toString('base64'),
          })).times += 1;
        } else damaged += 1;
        if (why !== undefined && answer === '') {
          const what = `${python.name}: ${why}`;
          loadedAllTheSame.set(what, (loadedAllTheSame.get(what) ?? 0) + 1);
        }
      }
    }
  }
  return { tried, sound, damaged, loadedAllTheSame, findings };
}

function damageIn(pyc: Buffer): string | undefined {
  const { header, damage } = pycFactsOf(pyc, 'in-depth');
  if ('unreadable' in header) return header.unreadable;
  return codeLayoutOf(header.magicNumber) === undefined ? 'of an unknown release' : damage;
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
