import { expect, it } from 'vitest';
import { bcepText } from '../../src/debian/bcep.ts';

it('bcep names packages and modules at the top of dist-packages, for each version', () => {
  const library = '/usr/lib/python3/dist-packages';
  const sources = [`${library}/shop/a/b.py`, `${library}/shop/c.py`, `${library}/one.py`, '/usr/share/shop/main.py'];
  expect(bcepText(sources, ['3.11.2', '3.12.1'])).toBe(
    `dir|3.11|${library}/shop/\ndir|3.12|${library}/shop/\nfile|3.11|${library}/one.py\nfile|3.12|${library}/one.py\n`,
  );
});
