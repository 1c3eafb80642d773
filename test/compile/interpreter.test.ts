import { describe, expect, it } from 'vitest';
import { type Interpreter, mismatchReason } from '../../src/compile/interpreter.ts';
import { python311 } from '../helpers/interpreter.ts';

const python = (facts: Partial<Interpreter>): Interpreter => ({ ...python311, ...facts });

const exactly = { implementation: 'cpython', version: '3.11', freeThreaded: false } as const;

describe('mismatchReason', () => {
  it.each([
    [{}, {}, undefined],
    [{}, exactly, undefined],
    [{ version: '3.6.0' }, {}, undefined],
    [{ version: '3.5.3' }, {}, 'is Python 3.5.3; 3.6 is the oldest supported'],
    [{ version: '2.7.18' }, {}, 'is Python 2.7.18; 3.6 is the oldest supported'],
    [{ version: '4.0.0' }, {}, 'is Python 4.0.0; 3.6 is the oldest supported'],
    [{ version: '3.14.0rc1' }, { version: '3.14' }, undefined],
    [{ version: '3.1.5' }, { version: '3.1' }, 'is Python 3.1.5; 3.6 is the oldest supported'],
    [{ version: '3.12.1' }, exactly, 'is Python 3.12.1'],
    [{ implementation: 'pypy' }, exactly, 'is pypy'],
    [{ implementation: 'pypy' }, {}, undefined],
    [{}, { implementation: 'pypy' as const }, 'is cpython'],
    [{ freeThreaded: true }, exactly, 'is a free-threaded build'],
    [{}, { ...exactly, freeThreaded: true }, 'is not a free-threaded build'],
    [{ freeThreaded: true }, {}, undefined],
  ])('of %o where %o is expected is %s', (facts, expected, reason) => {
    expect(mismatchReason(python(facts), expected)).toBe(reason);
  });
});
