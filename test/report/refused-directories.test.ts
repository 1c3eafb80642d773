import { expect, it } from 'vitest';
import { refusedDirectories } from '../../src/report/refused-directories.ts';
import type { SkipReason } from '../../src/skipped.ts';

const skip = (path: string, reason: SkipReason, message?: string) => ({
  path,
  reason,
  isProblem: true,
  ...(message === undefined ? {} : { message }),
});

it('has one line for what the system refused for several sources of a directory', () => {
  const eacces = 'EACCES: permission denied';
  const alone = [
    skip('/app/c.py', 'not-written', 'ENOSPC: no space left on device'),
    skip('/app/d.py', 'does-not-compile', 'SyntaxError'),
    skip('/app/e.py', 'does-not-compile', 'SyntaxError'),
    skip('/other/a.py', 'not-written', eacces),
    { ...skip('/app/f.py', 'unreadable', eacces), isProblem: false },
    { ...skip('/app/g.py', 'unreadable', eacces), isProblem: false },
  ];
  const together = [
    skip('/app/a.py', 'not-written', eacces),
    skip('/app/b.py', 'not-written', eacces),
    skip('/app/h.py', 'unreadable', eacces),
    skip('/app/i.py', 'unreadable', eacces),
    skip('/app/j.py', 'unreadable', eacces),
  ];
  expect(refusedDirectories([...together, ...alone])).toEqual({
    refused: [
      { directory: '/app', message: eacces, text: 'the pycs of 2 sources cannot be written' },
      { directory: '/app', message: eacces, text: '3 sources cannot be read' },
    ],
    single: alone,
  });
});
