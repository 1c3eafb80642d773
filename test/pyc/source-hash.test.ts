import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sourceHash } from '../../src/pyc/source-hash.ts';
import { itOnEachPython, pythonsWhere } from '../helpers/each-python.ts';

const script = `
import sys, importlib.util
print(int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little"))
for line in sys.stdin:
    print(importlib.util.source_hash(bytes.fromhex(line)).hex())
`;

/** Every length around the words of eight bytes and around one byte's worth of length, and whatever else. */
const sources: readonly Buffer[] = [
  ...[...Array(34).keys(), 255, 256, 257, 1000].map((length) => Buffer.alloc(length, 0xa5)),
  ...fc.sample(fc.uint8Array({ maxLength: 80 }), { numRuns: 100, seed: 1 }).map((bytes) => Buffer.from(bytes)),
];

describe('sourceHash', () => {
  itOnEachPython(
    'is importlib.util.source_hash of $name',
    ({ executable }) => {
      const input = sources.map((source) => `${source.toString('hex')}\n`).join('');
      const answer = execFileSync(executable, ['-I', '-c', script], { input, encoding: 'utf8' });
      const [magicNumber, ...hashes] = answer.trim().split('\n');
      expect(sources.map((source) => sourceHash(Number(magicNumber), source))).toEqual(hashes);
    },
    pythonsWhere((minor) => minor > 6),
  );

  it.each([
    [3413, '', '81e4881b3643e8e9'],
    [3413, 'x = 1\n', '1506f08f32bf3ff3'],
    [3495, '', '738d9cd5d5e87f73'],
    [3495, 'x = 1\n', '4c0372aa93f75252'],
  ])('with magic number %i of %j is %s', (magicNumber, text, hash) => {
    expect(sourceHash(magicNumber, Buffer.from(text))).toBe(hash);
  });

  it('hashes bytes in a larger buffer', () => {
    const whole = Buffer.from('xyz0123456789abcdef');
    expect(sourceHash(3495, whole.subarray(3))).toBe(sourceHash(3495, Buffer.from('0123456789abcdef')));
  });
});
