/** What the pages for people name is there: files, npm scripts, options, macros. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commands, ownOptions } from '../integration/stage/commands.ts';

const checkout = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(checkout, path), 'utf8');
const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...markdownIn('docs')];

function markdownIn(directory: string): string[] {
  const names = readdirSync(join(checkout, directory)).filter((name) => name.endsWith('.md'));
  return names.sort().map((name) => `${directory}/${name}`);
}

const allOf = (text: string, pattern: RegExp) => Array.from(text.matchAll(pattern), ([, found = '']) => found);

describe.each(pages)('%s', (page) => {
  const text = read(page);

  it('links to files that exist', () => {
    const targets = allOf(text, /\]\(([^)#]+)[^)]*\)/g).filter((target) => !target.startsWith('http'));
    expect(targets.filter((target) => !existsSync(join(checkout, dirname(page), target)))).toEqual([]);
  });

  it('names files that exist in the checkout', () => {
    // Those below debian/ are mostly of packages that use pyclink.
    const named = allOf(text, /(?<![\w/.-])((?:src|test|integration|hooks|rpm-macros|docs)\/[\w./-]*[\w])/g);
    expect(named.filter((path) => !existsSync(join(checkout, path)))).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = allOf(text, /npm run (?:--silent )?([\w:]+)/g);
    expect(named.filter((script) => scripts[script] === undefined)).toEqual([]);
  });

  it('calls pyclink with existing options', () => {
    const calls = allOf(text, /(?:pyclink(?:\.cjs)?) ((?:build|link|relink|verify|inspect)\b[^`\n;]*)/g);
    const unknown = calls.flatMap((call) => {
      const [name, ...words] = call.split(/\s+/);
      const options = [...ownOptions, ...(commands.find((command) => command.name === name)?.options ?? [])];
      const known = options.flatMap(({ short, long }) => [short, long]);
      return words.filter((word) => /^--?[a-z]/.test(word)).filter((word) => !known.includes(word.split('=')[0]));
    });
    expect(unknown).toEqual([]);
  });
});

it('the front page fits one screen: 50 lines of 100 columns', () => {
  const [front = ''] = read('README.md').split('\n## Install');
  const lines = front.split('\n').map((line) => Math.max(1, Math.ceil(line.length / 100)));
  expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(50);
});

describe('docs/rpm.md', () => {
  it('names exactly the macros that macros.pyclink defines', () => {
    const defined = allOf(read('rpm-macros/macros.pyclink'), /^%(pyclink_(?!_)\w+)/gm);
    const named = allOf(read('docs/rpm.md'), /%(?:global )?(pyclink_(?!_)\w+)/g);
    expect([...new Set(named)].sort()).toEqual([...defined].sort());
  });
});
