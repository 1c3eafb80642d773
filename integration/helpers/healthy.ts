import { lstatSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import { contentsOf, type Planted, plantBuildroot } from '../../test/helpers/buildroot.ts';
import { systemPython } from '../../test/helpers/pythons.ts';

/** The system Python's library directory, as a payload path. */
export const library = `/usr/lib/python${systemPython.minor}`;

/** The source with nothing wrong that every test puts beside the bad ones. It sorts before and after some of them. */
export const healthySource = `${library}/kernel/healthy.py`;

/** What a healthy source looks like: `answer()` is 42, and only level 2 differs. */
export const healthyText = 'def answer():\n    """The docstring that level 2 drops."""\n    return 42\n';

/** A buildroot with these files and the healthy source. */
export function plantBesideHealthy(files: Readonly<Record<string, Planted>>): string {
  return plantBuildroot({ [healthySource]: healthyText, ...files });
}

/** What the healthy source's build adds to a buildroot. */
export const healthyAdds: readonly string[] = addedBy(healthySource);

/** Asserts that the healthy source's three pycs are there, valid, and linked as they should be. */
export async function expectHealthy(buildroot: string): Promise<void> {
  await expectCompiled(buildroot, healthySource);
}

/** Asserts that a source with the healthy text has three pycs that the interpreter takes, two of them one file. */
export async function expectCompiled(buildroot: string, source: string): Promise<void> {
  const stat = lstatSync(join(buildroot, source));
  const pyc = {
    magic: true,
    flags: 0,
    mtimeSeconds: Math.trunc(stat.mtimeMs / 1000),
    sizeBytes: stat.size,
    fileNames: [source],
    answer: 42,
  };
  expect(await readPycs(buildroot, source)).toEqual([pyc, pyc, pyc]);
  const [level0, level1, level2] = pycsOf(source).map((path) => lstatSync(join(buildroot, path)));
  expect([level0?.nlink, level1?.ino, level2?.nlink]).toEqual([2, level0?.ino, 1]);
}

/** The payload paths of a source's pycs, by level. */
export function pycsOf(source: string): string[] {
  const stem = join(dirname(source), '__pycache__', `${basename(source, '.py')}.${systemPython.cacheTag}`);
  return ['', '.opt-1', '.opt-2'].map((suffix) => `${stem}${suffix}.pyc`);
}

/** What a build of this source adds to a buildroot that had no `__pycache__` beside it: relative paths, sorted. */
export function addedBy(...sources: string[]): string[] {
  const paths = sources.flatMap((source) => [join(dirname(source), '__pycache__'), ...pycsOf(source)]);
  return [...new Set(paths)].map((path) => path.slice(1)).sort();
}

/** How a tree differs from what contentsOf said of it earlier: relative paths, sorted. */
export function changesSince(before: Readonly<Record<string, string>>, tree: string) {
  const after = contentsOf(tree);
  const names = Object.keys(after);
  return {
    added: names.filter((path) => !(path in before)).sort(),
    changed: names.filter((path) => path in before && before[path] !== after[path]).sort(),
    gone: Object.keys(before).filter((path) => !(path in after)),
  };
}

/** The arguments of a build that logs complaints only. */
export function quietBuild(buildroot: string, ...more: string[]): string[] {
  return ['build', '--buildroot', buildroot, '-q', ...more];
}

/** A pyc as the system Python sees it. */
interface SeenPyc {
  readonly magic: boolean;
  readonly flags: number;
  readonly mtimeSeconds: number;
  readonly sizeBytes: number;
  /** `co_filename` of the module and of everything in it, each once. */
  readonly fileNames: readonly string[];
  /** What its `answer` function returns. */
  readonly answer: unknown;
}

const reader = `
import importlib.util, json, marshal, struct, sys
def names(code):
    return {code.co_filename}.union(*(names(c) for c in code.co_consts if hasattr(c, "co_filename")))
seen = []
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        data = file.read()
    flags, mtime, size = struct.unpack("<3I", data[4:16])
    code, space = marshal.loads(data[16:]), {}
    exec(code, space)
    seen.append({"magic": data[:4] == importlib.util.MAGIC_NUMBER, "flags": flags, "mtimeSeconds": mtime,
        "sizeBytes": size, "fileNames": sorted(names(code)), "answer": space.get("answer", lambda: None)()})
print(json.dumps(seen))
`;

/** Has the system Python read and run the three pycs of a source. */
export async function readPycs(buildroot: string, source: string): Promise<SeenPyc[]> {
  const paths = pycsOf(source).map((path) => join(buildroot, path));
  const { stdout } = await execa(systemPython.executable, ['-I', '-B', '-c', reader, ...paths]);
  return JSON.parse(stdout) as SeenPyc[];
}
