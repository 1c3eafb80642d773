/**
 * Draws the directories of src/ and their imports in docs/architecture.md: `npm run directories`. With `--check` it only says, by
 * status 1, that the picture is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ICruiseResult } from 'dependency-cruiser';
import { execa } from 'execa';
import { scriptCall } from './helpers/script-call.ts';

const checkout = join(import.meta.dirname, '..');
const file = join(checkout, 'docs/architecture.md');
const marked = /(?<=<!-- directories: npm run directories -->\n)[\s\S]*?(?=<!-- end of directories -->)/;

const { values } = scriptCall(import.meta.filename, { check: { type: 'boolean' } });
const imports = await importsOfDirectories();
const circle = circleIn(imports);
if (circle !== undefined) {
  process.stderr.write(`a circle, which npm run check names by its files: ${circle.join(' -> ')}\n`);
  process.exit(1);
}
const drawn = picture(imports);
const text = readFileSync(file, 'utf8');
const fresh = text.replace(marked, drawn);
if (values.check !== true) writeFileSync(file, fresh);
else if (fresh !== text) {
  process.stderr.write(
    'docs/architecture.md: the picture of the directories is out of date: run npm run directories\n',
  );
  process.exitCode = 1;
}

/** Which directories each directory imports. */
async function importsOfDirectories(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const { stdout } = await execa('depcruise', ['src', '--output-type', 'json'], { cwd: checkout, preferLocal: true });
  const imports = new Map<string, Set<string>>();
  for (const { source, dependencies } of (JSON.parse(stdout) as ICruiseResult).modules) {
    const directory = directoryOf(source);
    if (directory === undefined) continue;
    const known = imports.get(directory) ?? new Set();
    imports.set(directory, known);
    for (const { resolved } of dependencies) {
      const other = directoryOf(resolved);
      if (other !== undefined && other !== directory) known.add(other);
    }
  }
  return imports;
}

/** Directories that import each other in a circle, the first one again at the end. */
function circleIn(imports: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] | undefined {
  const done = new Set<string>();
  const search = (way: readonly string[]): readonly string[] | undefined => {
    const last = way.at(-1) as string;
    if (way.indexOf(last) < way.length - 1) return way.slice(way.indexOf(last));
    if (done.has(last)) return undefined;
    for (const next of imports.get(last) ?? []) {
      const found = search([...way, next]);
      if (found !== undefined) return found;
    }
    done.add(last);
    return undefined;
  };
  for (const directory of imports.keys()) {
    const found = search([directory]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function directoryOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

/** A picture without the arrows that a longer way makes superfluous. */
function picture(imports: ReadonlyMap<string, ReadonlySet<string>>): string {
  const reaches = (from: string, to: string): boolean =>
    [...(imports.get(from) ?? [])].some((next) => next === to || reaches(next, to));
  const arrows = [...imports].flatMap(([directory, others]) =>
    [...others]
      .filter((other) => ![...others].some((between) => between !== other && reaches(between, other)))
      .map((other) => `  ${directory} --> ${other}\n`),
  );
  return `\`\`\`mermaid\nflowchart TD\n${arrows.sort().join('')}\`\`\`\n`;
}
