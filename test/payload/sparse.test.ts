import { describe, expect, it } from 'vitest';
import { sparseInHeader, sparseInPax, withHoles } from '../../src/payload/sparse.ts';

describe('withHoles', () => {
  it.each<[string, number, number[], string, string | undefined]>([
    ['pieces where they belong', 8, [1, 2, 6, 1], 'abc', '\0ab\0\0\0c\0'],
    ['nothing', 3, [], '', '\0\0\0'],
    ['a piece behind the end of the file', 3, [2, 2], 'ab', undefined],
    ['more than is stored', 8, [1, 4], 'abc', undefined],
    ['a negative offset', 8, [-1, 2], 'abc', undefined],
    ['no number', 8, [Number.NaN, 2], 'abc', undefined],
  ])('puts %s', (_, sizeBytes, map, stored, whole) => {
    expect(withHoles({ sizeBytes, map }, Buffer.from(stored))?.toString()).toBe(whole);
  });

  it('reads the map of version 1.0, which fills a block', () => {
    const stored = Buffer.concat([Buffer.from('2\n0\n1\n4\n2\n'.padEnd(512, '\0')), Buffer.from('abc')]);
    expect(withHoles({ sizeBytes: 6, map: undefined }, stored)?.toString()).toBe('a\0\0\0bc');
  });

  it.each(['', '2', '2\n0\n', '99999999\n', '-1\n', 'x\n1\n'])('refuses the map %j', (map) => {
    expect(withHoles({ sizeBytes: 6, map: undefined }, Buffer.from(map))).toBeUndefined();
  });
});

describe('sparseInPax', () => {
  const records = (...pairs: [string, string][]) => pairs.map(([key, value]) => [key, Buffer.from(value)] as const);
  const prefix = 'GNU.sparse.';

  it.each([
    ['0.0', records([`${prefix}size`, '9'], [`${prefix}offset`, '1'], [`${prefix}numbytes`, '2'])],
    ['0.1', records([`${prefix}size`, '9'], [`${prefix}map`, '1,2'])],
  ])('knows version %s', (_, given) => {
    expect(sparseInPax(given)).toEqual({ sizeBytes: 9, map: [1, 2] });
  });

  it('knows version 1.0', () => {
    const given = records([`${prefix}major`, '1'], [`${prefix}minor`, '0'], [`${prefix}realsize`, '9']);
    expect(sparseInPax(given)).toEqual({ sizeBytes: 9, map: undefined });
  });

  it.each([
    ['path', 'a'],
    [`${prefix}size`, 'x'],
    [`${prefix}size`, '-1'],
  ] as [string, string][])('rejects %s=%s', (...record) => {
    expect(sparseInPax(records(record))).toBeUndefined();
  });
});

describe('sparseInHeader', () => {
  it('reads octal and binary numbers, also from more blocks', () => {
    const [header, block] = [Buffer.alloc(512), Buffer.alloc(512)];
    header.write('00000000012\0', 386, 'latin1');
    header[398] = 0x80;
    header[409] = 3;
    header.write('00000002000\0', 483, 'latin1');
    block.write('00000000777\0', 0, 'latin1');
    const { sizeBytes, map = [] } = sparseInHeader([header, block]);
    expect([sizeBytes, map.slice(0, 2), map[8], map.length]).toEqual([1024, [10, 3], 0o777, 8 + 42]);
  });
});
