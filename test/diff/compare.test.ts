import { describe, expect, it } from 'vitest';
import { comparePycs } from '../../src/diff/compare.ts';
import { marshalled as m, magicNumber, pycOf } from '../helpers/marshal.ts';

/** A pyc with these constants, of this path and first line, and these numbers in its header: flags, mtime, size. */
function pyc(constants: readonly Buffer[], { path = 'f', line = 1, numbers = [0, 0, 0] } = {}): Buffer {
  const bytes = pycOf(m.code(line, m.tuple(constants), path));
  for (const [i, number] of numbers.entries()) bytes.writeUInt32LE(number, 4 + 4 * i);
  return bytes;
}
const one = pyc([m.int(1)]);

describe('comparePycs', () => {
  it.each<[string, Buffer, Buffer, readonly [kind: string, detail: string][]]>([
    ['a value', one, pyc([m.int(2)]), [['code', 'constant 0 is int 2, was int 1']]],
    ['a size', one, pyc([]), [['code', 'constants: size is 0, was 1']]],
    [
      'code, whatever the header',
      one,
      pyc([m.int(2)], { numbers: [0, 5, 5] }),
      [['code', 'constant 0 is int 2, was int 1']],
    ],
    ['a line', one, pyc([m.int(1)], { line: 2 }), [['lines', 'the same code with different lines or columns']]],
    ['a path', one, pyc([m.int(1)], { path: 'g' }), [['path', 'the same code with a different recorded path']]],
    ['a flag', one, pyc([m.flagged(m.int(1))]), [['flags', 'the same code in normal form']]],
    [
      'an mtime',
      one,
      pyc([m.int(1)], { numbers: [0, 5, 0] }),
      [['mtime', '1970-01-01T00:00:05Z, was 1970-01-01T00:00:00Z']],
    ],
    ['a size of the source', one, pyc([m.int(1)], { numbers: [0, 5, 6] }), [['header', 'size of the source 6, was 0']]],
    [
      'a mode',
      one,
      pyc([m.int(1)], { numbers: [1, 0, 0] }),
      [['header', 'invalidation mode unchecked-hash, was timestamp']],
    ],
    [
      'a path and an mtime',
      one,
      pyc([m.int(1)], { path: 'g', numbers: [0, 5, 0] }),
      [
        ['path', 'the same code with a different recorded path'],
        ['mtime', '1970-01-01T00:00:05Z, was 1970-01-01T00:00:00Z'],
      ],
    ],
    ['an interpreter', one, pycOf(m.none, 3571), [['interpreter', 'CPython 3.13, was CPython 3.11']]],
    ['what is no pyc', one, Buffer.from('no pyc'), [['bytes', 'it does not start with a magic number']]],
    ['what was no pyc', Buffer.alloc(2), one, [['bytes', 'the old pyc is too short to be a pyc']]],
    ['code that ends early', one, one.subarray(0, 60), [['bytes', 'its code has no normal form']]],
    [
      'code of an unknown release',
      pycOf(m.none, 3400),
      pycOf(m.int(1), 3400),
      [['bytes', 'its code has no normal form']],
    ],
  ])('says that %s differs', (_, old, now, expected) => {
    expect(comparePycs(old, now).map(({ kind, detail }) => [kind, detail])).toEqual(expected);
  });

  it('names changed, added and removed code objects', () => {
    const inner = (...constants: Buffer[]) => m.code(1, m.tuple(constants));
    const [old, now] = [pyc([inner(m.int(1))]), pyc([inner(m.int(2))])];
    expect(comparePycs(old, now)).toEqual([{ kind: 'code', code: 'f.f', detail: 'constant 0 is int 2, was int 1' }]);
    const both = pyc([inner(m.int(1)), inner()]);
    expect(comparePycs(old, both).map(({ code, detail }) => [code, detail])).toEqual([
      ['f', 'constants: size is 2, was 1'],
      ['f.f', 'added'],
    ]);
    expect(comparePycs(both, old).at(-1)).toEqual({ kind: 'code', code: 'f.f', detail: 'removed' });
  });

  it('says which constants are shared, if nothing else differs', () => {
    const tuple = m.tuple([m.float(1)]);
    const [shared, apart] = [pyc([m.flagged(tuple), m.reference(0)]), pyc([tuple, tuple])];
    expect(comparePycs(shared, apart)).toMatchObject([{ kind: 'code', code: 'f' }]);
  });

  it('does not locate the difference in code that is too large', () => {
    const nones = m.tuple(Array<Buffer>(1000).fill(m.none));
    const many = (last: Buffer) => pycOf(m.code(1, m.tuple([...Array<Buffer>(1000).fill(nones), last])));
    expect(comparePycs(many(m.int(1)), many(m.int(2)))).toEqual([
      { kind: 'code', detail: 'too large to locate the difference' },
    ]);
  });

  it('takes no time for objects that references multiply', () => {
    const width = 150;
    const layers = (next: (i: number) => number): Buffer => {
      const all = Array.from({ length: width }, (_, layer) =>
        Array.from({ length: width }, (_, i) => {
          const child = (of: number) => (layer === 0 ? m.none : m.reference((layer - 1) * width + of));
          return m.flagged(m.tuple([child(i), child(next(i))]));
        }),
      );
      return pycOf(m.code(1, m.tuple(all.map((layer) => m.tuple(layer)))));
    };
    const started = performance.now();
    expect(
      comparePycs(
        layers((i) => (i + 1) % width),
        layers((i) => i),
      ),
    ).toMatchObject([{ kind: 'code' }]);
    expect(process.memoryUsage.rss()).toBeLessThan(3 * 2 ** 30);
    expect(performance.now() - started).toBeLessThan(60_000);
  });

  it('has the magic number of the helper', () => expect(one.readUInt16LE(0)).toBe(magicNumber));
});
