import type { Interpreter } from '../../src/compile/interpreter.ts';

/** What Debian 12's Python says of itself, for tests that start none. */
export const python311: Interpreter = {
  executable: '/usr/bin/python3',
  implementation: 'cpython',
  version: '3.11.2',
  cacheTag: 'cpython-311',
  magicNumber: 3495,
  freeThreaded: false,
};
