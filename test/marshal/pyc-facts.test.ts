import { describe, expect, it } from 'vitest';
import { pycFactsOf } from '../../src/marshal/pyc-facts.ts';

/** A pyc of CPython 3.11 with a container of so many None. */
function pycOf(type: string, count: number): Buffer {
  const head = Buffer.alloc(21);
  head.writeUInt32LE(0x0a0d0da7);
  head.write(type, 16);
  head.writeInt32LE(count, 17);
  return Buffer.concat([head, Buffer.alloc(count, 'N')]);
}

describe('pycFactsOf', () => {
  it.each(['(', '>'])('reads no code with more objects than any compiler writes (%s)', (type) => {
    const damage = 'it has too many objects to read (1000001)';
    for (const depth of ['in-depth', 'code'] as const) {
      expect(pycFactsOf(pycOf(type, 1_000_000), depth)).toMatchObject({ damage });
    }
    expect(pycFactsOf(pycOf(type, 1_000_000), 'content').damage).toBeUndefined();
    expect(pycFactsOf(pycOf(type, 10_000), 'in-depth').damage).toBe('not a code object');
  });
});
