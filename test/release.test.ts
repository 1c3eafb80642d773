/** What a release lacks, of what docs/release.md has somebody fill in. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lackingForRelease } from '../integration/helpers/release.ts';

const checkout = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(checkout, path), 'utf8');
const { version } = JSON.parse(read('package.json')) as { version: string };

it('has no findings for this version', () => {
  expect(lackingForRelease(version, read)).toEqual([]);
});

it('finds placeholders and a missing changelog section', () => {
  const page =
    '| repository | https://example.org/x | a |\n| contact | x@example.org | b |\n| signing key | not set | c |\n';
  expect(lackingForRelease('9.9.9', (path) => (path === 'docs/release.md' ? page : ''))).toEqual([
    'docs/release.md: repository is a placeholder',
    'docs/release.md: contact is a placeholder',
    'docs/release.md: signing key is a placeholder',
    'CHANGELOG.md: there is no section 9.9.9',
  ]);
});

it('finds versions that other files do not have', () => {
  const page = '| repository | https://git.test/x | a |\n| contact | x@git.test | b |\n| signing key | ABCD | c |\n';
  const files: Record<string, string> = {
    'docs/release.md': page,
    'package.json': '"https://git.test/x" "x@git.test"',
    'debian/control': 'Homepage: https://git.test/x\nMaintainer: X <x@git.test>',
    'debian/changelog': 'X <pyclink@example.org>',
    'rpm-macros/pyclink.spec': 'URL: https://git.test/x',
    'CHANGELOG.md': '# Changelog\n\n## 9.9.9 (2027-01-01)\n',
  };
  expect(lackingForRelease('9.9.9', (path) => files[path] ?? '')).toEqual([
    'debian/changelog: contact x@git.test is missing',
  ]);
});

it.each(['repository', 'contact', 'signing key'])('has a row for the %s in docs/release.md', (name) => {
  expect(read('docs/release.md')).toMatch(new RegExp(`^\\| ${name} \\| \\S.* \\|`, 'm'));
});
