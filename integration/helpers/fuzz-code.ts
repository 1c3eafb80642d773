import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { levels as allLevels, type Level } from '../../src/pyc/name.ts';
import { pyclink } from '../../test/helpers/pyclink.ts';
import type { RealPython } from '../../test/helpers/pythons.ts';
import { reduce } from './reduce.ts';
import { holdToCompiler } from './same-code.ts';

export interface FuzzedCode {
  /** Those that compile. */
  readonly programs: number;
  readonly compared: number;
  readonly wrong: number;
  readonly missing: number;
  /** Programs that the compiler refused, and those that it crashed on. */
  readonly refused: number;
  readonly crashed: number;
  /** The first few, each with its program reduced. */
  readonly findings: readonly string[];
}

/** What came out of the programs in a buildroot. */
interface Examined extends Omit<FuzzedCode, 'findings'> {
  /** What is wrong first, by the name of the program. */
  readonly problems: ReadonlyMap<string, string>;
}

const batchSize = 2000;
/** About this part of the programs compiles. */
const validPart = 0.75;
const maxReduced = 3;
/** Levels of the batches, in turn: where one is left out, the next is held against another. */
const levelsInTurn: readonly (readonly Level[])[] = [allLevels, allLevels, allLevels, [0, 2]];

const scripts = join(import.meta.dirname, 'odd-programs');

/** Where the programs lie in the buildroot. */
const place = '/p';

/**
 * Has pyclink compile odd programs and holds each pyc against the compiler's own code. The same seed gives the same
 * programs to the same interpreter.
 * @param count how many programs that compile, at least
 */
export async function fuzzCode(python: RealPython, count: number, seed: string): Promise<FuzzedCode> {
  const total = { programs: 0, compared: 0, wrong: 0, missing: 0, refused: 0, crashed: 0 };
  const reduced = new Map<string, string>();
  for (let [batch, first] = [0, 0]; total.programs < count; batch++) {
    const levels = levelsInTurn[batch % levelsInTurn.length] as readonly Level[];
    const size = Math.min(batchSize, Math.ceil((count - total.programs) / validPart));
    await withPrograms(python, async (programs) => {
      await programs.generate(seed, first, size);
      first += size;
      const examined = await programs.examine(levels);
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += examined[key];
      for (const [name, problem] of examined.problems) {
        if (reduced.size >= maxReduced) break;
        const program = await reduce(programs.read(name), (candidates) => areWrong(python, candidates, levels));
        const text = program.toString('latin1');
        const where = `seed ${seed}, ${name}: ${problem}`;
        if (!reduced.has(text)) reduced.set(text, `${where}\n${quoted(text)}`);
      }
    });
  }
  return { ...total, findings: [...reduced.values()] };
}

/** Writes programs that compile into a directory, by the name of each. */
export async function writeOddPrograms(python: RealPython, directory: string, seed: string, count: number) {
  await runScript(python, 'odd-programs.py', directory, seed, '0', String(count));
  await runScript(python, 'compilable.py', directory);
}

/** Which of some programs are compiled to something else than the compiler makes of them. */
async function areWrong(python: RealPython, candidates: readonly Buffer[], levels: readonly Level[]) {
  return withPrograms(python, async (programs) => {
    for (const [i, candidate] of candidates.entries()) programs.write(`p${i}.py`, candidate);
    const { problems } = await programs.examine(levels);
    return candidates.map((_, i) => problems.has(`p${i}.py`));
  });
}

/** Works with a buildroot for programs, which goes when the work is done. */
async function withPrograms<T>(python: RealPython, work: (programs: Programs) => Promise<T>): Promise<T> {
  const programs = new Programs(python);
  try {
    return await work(programs);
  } finally {
    programs.remove();
  }
}

/** A buildroot with programs. */
class Programs {
  readonly #python: RealPython;
  readonly #buildroot = realpathSync(mkdtempSync(join(tmpdir(), 'pyclink-fuzz-')));
  readonly #directory = join(this.#buildroot, place);

  constructor(python: RealPython) {
    this.#python = python;
    mkdirSync(this.#directory);
  }

  async generate(seed: string, first: number, count: number): Promise<void> {
    await runScript(this.#python, 'odd-programs.py', this.#directory, seed, String(first), String(count));
  }

  write(name: string, program: Buffer): void {
    writeFileSync(join(this.#directory, name), program);
  }

  read(name: string): Buffer {
    return readFileSync(join(this.#directory, name));
  }

  /** Has pyclink build the programs that compile, and holds what comes out against the compiler. */
  async examine(levels: readonly Level[]): Promise<Examined> {
    const stdout = await runScript(this.#python, 'compilable.py', this.#directory);
    const [refused, crashed] = JSON.parse(stdout) as [number, number];
    const names = readdirSync(this.#directory);
    const args = ['build', '--buildroot', this.#buildroot, '--python', this.#python.executable, '-j', '1', '-q'];
    const optimize = levels.flatMap((level) => ['-o', String(level)]);
    const ran = await pyclink([...args, '--errors', 'warn', ...optimize, place]);
    if (ran.status !== 0) throw new Error(`pyclink: status ${ran.status}\n${ran.stderr}`);
    const code = await holdToCompiler(
      this.#python,
      this.#buildroot,
      names.map((name) => `${place}/${name}`),
      levels,
    );
    const problems = new Map<string, string>();
    for (const finding of code.findings) {
      const name = /__pycache__\/(\w+)/.exec(finding)?.[1] ?? '';
      if (!problems.has(`${name}.py`)) problems.set(`${name}.py`, finding);
    }
    const [wrong, missing] = [code.wrong.size, code.missing.length];
    return { programs: names.length, compared: code.compared, wrong, missing, refused, crashed, problems };
  }

  remove(): void {
    rmSync(this.#buildroot, { recursive: true, force: true });
  }
}

async function runScript(python: RealPython, script: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execa(python.executable, ['-I', '-S', '-B', join(scripts, script), ...args]);
  return stdout;
}

/** A program in a way that shows every byte. */
function quoted(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1);
  return escaped.replace(/[\x7f-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`).replace(/^/, '    ');
}
