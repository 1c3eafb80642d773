import { expect, it } from 'vitest';
import { leftoverReason } from '../../src/audit/leftovers.ts';
import type { PayloadPath } from '../../src/files/path.ts';

it.each([
  ['/app/__pycache__/m.cpython-311-pytest-8.1.pyc', 'written by pytest 8.1 while testing'],
  ['/app/__pycache__/m.cpython-311.pyc', undefined],
  ['/app/__pycache__/m.f-3.py311.nbi', 'written by numba while running: machine code for one kind of processor'],
  ['/app/.coverage', 'written by coverage while testing'],
  ['/app/m.py', undefined],
])('says what left %s', (path, reason) => {
  expect(leftoverReason(path as PayloadPath)).toBe(reason);
});
