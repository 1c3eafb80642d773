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

it.each<[other: string, isElsewhere: boolean]>([
  ['/manage.py', false],
  ['/polls/views.py', false],
  ['/opt/shop/b.py', true],
  [`/usr/${site}/b.py`, true],
])('a package named as a top-level directory, beside %s, is part of a system: %s', (other, expected) => {
  const source = '/app/views.py' as PayloadPath;
  const { payload } = describedPayload([entryAt(source), entryAt(other), entryAt('/manage.sh', { type: 'symlink' })]);
  expect(elsewhereIn(payload)('/srv/site/app/views.py', source, '/srv/site')).toBe(expected);
});
