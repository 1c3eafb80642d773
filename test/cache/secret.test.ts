import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSecret } from '../../src/cache/secret.ts';
import { plantBuildroot } from '../helpers/buildroot.ts';

const fileWith = (content: string, mode = 0o600) => join(plantBuildroot({ secret: { content, mode } }), 'secret');

it('a secret is the content of its file without surrounding white space', () => {
  expect(readSecret(fileWith('0123456789abcdef\n')).toString()).toBe('0123456789abcdef');
  expect(readSecret(fileWith('  two words and more \n', 0o640)).toString()).toBe('two words and more');
});

it.each([
  ['is missing', () => '/nonexistent/secret', 'the secret is not a regular file'],
  ['is a directory', () => '/usr', 'the secret is not a regular file'],
  ['everybody may read', () => fileWith('0123456789abcdef', 0o644), 'the secret is readable by everybody'],
  ['is a disk image', () => fileWith('0123456789abcdef'.repeat(10_000)), 'the secret cannot be read (EFBIG)'],
  ['is short', () => fileWith('0123456789abcde\n'), 'the secret is shorter than 16 bytes'],
])('a secret that %s is refused', (_name, make, reason) => {
  expect(() => readSecret(make())).toThrow(reason);
});
