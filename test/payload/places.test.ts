import { expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import { Places } from '../../src/payload/places.ts';
import { entryAt } from '../helpers/payload.ts';

it('follows symlinks on the way to a path, and those that were added since', () => {
  const targets = new Map([['/lib', 'usr/lib']]);
  const places = new Places((path) => {
    const target = targets.get(path);
    return target === undefined ? undefined : entryAt(path, { type: 'symlink', target });
  });
  const of = (path: string) => places.of(path as PayloadPath);
  expect(['/', '/a', '/lib', '/lib/a', '/lib/b', '/x/a'].map(of)).toEqual([
    '/',
    '/a',
    '/lib',
    '/usr/lib/a',
    '/usr/lib/b',
    '/x/a',
  ]);
  targets.set('/x', '/lib').set('/y', 'y');
  places.forget();
  expect(['/x/a', '/y/a'].map(of)).toEqual(['/usr/lib/a', undefined]);
});
