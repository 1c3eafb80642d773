import { join } from 'node:path';
import { execa } from 'execa';
import { workerEnvironment } from '../../src/compile/environment.ts';
import type { PayloadPath } from '../../src/files/path.ts';
import { levels as allLevels, type Level, pycPath } from '../../src/pyc/name.ts';
import type { RealPython } from '../../test/helpers/pythons.ts';

export interface SameCode {
  /** Pycs whose code was held against the compiler's. */
  readonly compared: number;
  /** Pycs that hold other code, by payload path, with the first difference in words. */
  readonly wrong: ReadonlyMap<string, string>;
  /** Pycs that are not there though their sources compile. */
  readonly missing: readonly string[];
  /** The wrong and the missing ones as lines of a report. */
  readonly findings: readonly string[];
}

/** A pyc as same-code.py is asked about it. */
export interface Asked {
  readonly pyc: string;
  readonly source: string;
  readonly recorded: string;
  readonly level: Level;
}

/** What same-code.py says of each pyc. @throws if the interpreter does not live to answer all */
export async function askSameCode(python: RealPython, asked: readonly Asked[]): Promise<string[]> {
  const script = join(import.meta.dirname, 'same-code.py');
  const input = asked.map(({ pyc, source, recorded, level }) => `${JSON.stringify([pyc, source, recorded, level])}\n`);
  const { stdout, stderr } = await execa(python.executable, ['-s', '-S', '-B', script], {
    input: input.join(''),
    reject: false,
    // Python 3.7 and 3.8 write a folded set into a postponed annotation as text, in the order of its hashes.
    env: workerEnvironment(process.env) as Record<string, string>,
    extendEnv: false,
  });
  const answers = stdout === '' ? [] : stdout.split('\n');
  const unanswered = asked[answers.length];
  if (unanswered !== undefined) throw new Error(`same-code.py ended at ${unanswered.pyc}\n${stderr}`);
  return answers;
}

/**
 * Holds the pycs of a buildroot against what the interpreter itself makes of their sources.
 * @param sources payload paths
 */
export async function holdToCompiler(
  python: RealPython,
  buildroot: string,
  sources: readonly string[],
  levels: readonly Level[] = allLevels,
): Promise<SameCode> {
  const pairs = sources.flatMap((source) => levels.map((level) => ({ source, level })));
  const pycs = pairs.map(({ source, level }) => pycPath(source as PayloadPath, python.cacheTag, level));
  const answers = await askSameCode(
    python,
    pairs.map(({ source, level }, i) => ({
      pyc: join(buildroot, pycs[i] as string),
      source: join(buildroot, source),
      recorded: source,
      level,
    })),
  );
  const wrong = new Map<string, string>();
  const missing: string[] = [];
  let compared = 0;
  for (const [i, pyc] of pycs.entries()) {
    const answer = answers[i] as string;
    if (answer === 'missing') missing.push(pyc);
    else if (answer !== 'none') compared += 1;
    if (answer.startsWith('wrong ')) wrong.set(pyc, answer.slice('wrong '.length));
  }
  const findings = [
    ...Array.from(wrong, ([pyc, difference]) => `other code: ${pyc}: ${difference}`),
    ...missing.map((pyc) => `missing: ${pyc}`),
  ];
  return { compared, wrong, missing, findings };
}
