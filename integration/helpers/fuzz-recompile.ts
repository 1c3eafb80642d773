import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { pyclink } from '../../test/helpers/pyclink.ts';
import { systemPython } from '../../test/helpers/pythons.ts';

/** What `audit --recompile` said of pycs in which one thing was changed. */
export interface RecompileFuzz {
  /** How often which kind of thing was changed. */
  readonly changed: ReadonlyMap<string, number>;
  /** Findings before anything was changed. */
  readonly falseAlarms: readonly string[];
  /** Changed pycs without a finding, and findings about others. */
  readonly missed: readonly string[];
  readonly others: readonly string[];
}

/** Packages of the standard library: some 200 modules, 600 pycs at three levels. */
const packages =
  'email json logging unittest http xml urllib importlib asyncio concurrent ctypes html curses sqlite3 wsgiref dbm ' +
  'multiprocessing collections re';

/**
 * Compiles packages of the standard library, changes one thing in some of their pycs (an instruction, a constant, a name,
 * a line table or a flag), and has them audited.
 * @param directory empty; the tree goes there
 * @throws if there are fewer pycs
 */
export async function fuzzRecompile(directory: string, count: number, seed: number): Promise<RecompileFuzz> {
  const library = join(directory, 'usr/lib', `python${systemPython.minor}`);
  for (const name of packages.split(' ')) {
    const filter = (path: string) => !path.endsWith('__pycache__');
    const from = join(systemPython.library, name);
    if (existsSync(from)) cpSync(from, join(library, name), { recursive: true, filter });
  }
  const built = await pyclink(['build', '-q', '--buildroot', directory, '--no-link']);
  if (built.status !== 0) throw new Error(built.stderr);
  const falseAlarms = await differing(directory);
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.pyc'));
  const input = paths.map((path) => join(directory, path)).sort();
  if (input.length < count) throw new Error(`only ${input.length} pycs`);
  const script = join(import.meta.dirname, 'change-pycs.py');
  const { stdout } = await execa(systemPython.executable, [script, `${seed}`, `${count}`], { input: input.join('\n') });
  const lines = stdout.split('\n').map((line) => line.split('\t') as [what: string, path: string]);
  const changed = new Map<string, number>();
  for (const [what] of lines) changed.set(what, (changed.get(what) ?? 0) + 1);
  const found = new Set(await differing(directory));
  const all = new Map(lines.map(([what, path]) => [path.slice(directory.length), what]));
  return {
    changed,
    falseAlarms,
    missed: Array.from(all, ([path, what]) => `${what}: ${path}`).filter(
      (line) => !found.has(line.replace(/^.*?: /, '')),
    ),
    others: [...found].filter((path) => !all.has(path)),
  };
}

/** The paths of pycs that have other code than their sources give. */
async function differing(root: string): Promise<string[]> {
  const only = ['--only', 'differs', '--only', 'other-compiler'];
  const { stdout } = await pyclink(['audit', '--recompile', '--json', ...only, root]);
  const { findings } = JSON.parse(stdout) as { findings: readonly { path: string }[] };
  return findings.map(({ path }) => path);
}
