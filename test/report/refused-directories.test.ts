import { expect, it } from 'vitest';
import { refusedDirectories } from '../../src/report/refused-directories.ts';
import type { SkipReason } from '../../src/skipped.ts';

const left = (path: string, reason: SkipReason, message?: string) => ({
  path,
  reason,
  isProblem: true,
  ...(message === undefined ? {} : { message }),
});

it('has one line if the system refused the same for several files of a directory', () => {
  const eacces = 'EACCES: permission denied';
  const alone = [
    left('/app/c.py', 'not-written', 'ENOSPC: no space left on device'),
    left('/app/d.py', 'does-not-compile', 'SyntaxError'),
    left('/app/e.py', 'does-not-compile', 'SyntaxError'),
    left('/other/a.py', 'not-written', eacces),
    { ...left('/app/f.py', 'unreadable', eacces), isProblem: false },
    { ...left('/app/g.py', 'unreadable', eacces), isProblem: false },
  ];
  const together = [
    left('/app/a.py', 'not-written', eacces),
    left('/app/b.py', 'not-written', eacces),
    left('/app/h.py', 'unreadable', eacces),
    left('/app/i.py', 'unreadable', eacces),
    left('/app/j.py', 'unreadable', eacces),
    left('/app/__pycache__/k.cpython-311.pyc', 'pyc-not-removed', eacces),
    left('/app/__pycache__/l.cpython-311.pyc', 'pyc-not-removed', eacces),
  ];
  expect(refusedDirectories([...together, ...alone])).toEqual({
    refused: [
      { directory: '/app', message: eacces, text: 'the pycs of 2 sources cannot be written' },
      { directory: '/app', message: eacces, text: '3 sources cannot be read' },
      { directory: '/app/__pycache__', message: eacces, text: '2 old pycs cannot be removed' },
    ],
    single: alone,
  });
});
