import { expect, it } from 'vitest';
import { elsewhereIn } from '../../src/audit/recorded-path.ts';
import type { PayloadPath } from '../../src/files/path.ts';
import { describedPayload, entryAt } from '../helpers/payload.ts';

const site = 'lib/python3.13/site-packages';

it.each<[recorded: string, source: string, container: string, isElsewhere: boolean]>([
  [`/usr/${site}/a.py`, `/usr/${site}/a.py`, 'a.rpm', false],
  [`/${site}/a.py`, `/usr/${site}/a.py`, 'a.rpm', false],
  [`/build/usr/${site}/a.py`, `/usr/${site}/a.py`, 'a.rpm', true],
  ['/build/usr/share/shop/a.py', '/usr/share/shop/a.py', 'a.rpm', true],
  ['a.py', `/usr/${site}/a.py`, 'a.rpm', true],
  // The paths of a wheel, and of a directory that is part of a system, lack their beginning.
  ['/build/shop/a.py', '/shop/a.py', 'a.whl', false],
  ['/build/shop/b.py', '/shop/a.py', 'a.whl', true],
  ['shop/a.py', '/shop/a.py', 'a.whl', false],
  ['a.py', '/shop/a.py', 'a.whl', true],
  // In the running system, a prefix may be staged.
  [`/opt/venv/${site}/a.py`, `/tmp/staged/opt/venv/${site}/a.py`, '/', false],
  [`/opt/venv/${site}/a.py`, `/tmp/staged/opt/venv/${site}/a.py`, 'a.rpm', true],
  [`/${site}/a.py`, `/tmp/staged/opt/venv/${site}/a.py`, '/', true],
  [`venv/${site}/a.py`, `/opt/venv/${site}/a.py`, '/', true],
  ['/opt/shop/a.py', '/tmp/staged/opt/shop/a.py', '/', false],
  ['/a.py', '/tmp/staged/opt/shop/a.py', '/', true],
])('%s is elsewhere than %s in %s: %s', (recorded, source, container, expected) => {
  const { payload } = describedPayload([entryAt(source, { container })]);
  expect(elsewhereIn(payload)(recorded, source as PayloadPath, container)).toBe(expected);
});

it.each<[source: string, other: string, isElsewhere: boolean]>([
  ['/app/views.py', '/manage.py', false],
  ['/app/views.py', '/polls/views.py', false],
  ['/app/views.py', '/opt/shop/b.py', true],
  [`/venv/${site}/a.py`, '/shop.py', false],
  [`/venv/${site}/a.py`, '/usr/bin', true],
])('%s beside %s has its whole path: %s', (source, other, expected) => {
  const entries = [entryAt(source), entryAt(other), entryAt('/shop.sh', { type: 'symlink' })];
  const { payload } = describedPayload(entries);
  expect(elsewhereIn(payload)(`/srv/site${source}`, source as PayloadPath, 'a.rpm')).toBe(expected);
});
