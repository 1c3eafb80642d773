import { describe, expect, it } from 'vitest';
import { readMarshalTree } from '../../src/inspect/tree.ts';
import { normalizePyc } from '../../src/marshal/normalize-pyc.ts';
import { type CodeLayout, codeLayoutOf } from '../../src/pyc/releases.ts';
import { anyMarshalled, marshalled as m, magicNumber, meaningOf, pycOf } from '../helpers/marshal.ts';
import { expectNormalForm } from '../helpers/normal-form.ts';

const layout = codeLayoutOf(magicNumber) as CodeLayout;
const { flagged } = m;

function normalized(pyc: Buffer): Buffer {
  const result = normalizePyc(pyc);
  if ('unreadable' in result) throw new Error(result.unreadable);
  return result;
}

function meaning(pyc: Buffer): string {
  const tree = readMarshalTree(pyc, 16, layout);
  if ('unreadable' in tree) throw new Error(tree.unreadable);
  return meaningOf(pyc, tree, layout);
}

const manyKinds = pycOf(
  m.tuple([
    flagged(m.code(1, m.tuple([m.none, flagged(m.text('a b')), m.frozenset([m.int(1), m.text('x')])]))),
    m.dict([flagged(m.interned('key')), m.reference(1)]),
    m.reference(0),
  ]),
);

describe('normalizePyc', () => {
  it.each<[string, Buffer, Buffer]>([
    ['a flag that nothing needs', m.tuple([flagged(m.int(1))]), m.tuple([m.int(1)])],
    [
      'the numbers of references',
      m.tuple([flagged(m.int(1)), flagged(m.int(2)), m.reference(1)]),
      m.tuple([m.int(1), flagged(m.int(2)), m.reference(0)]),
    ],
    ['the interning of what is no name', m.tuple([flagged(m.interned('['))]), m.tuple([m.text('[')])],
    ['a name that is not interned', m.tuple([m.text('name')]), m.tuple([m.interned('name')])],
    [
      'strings that were torn apart',
      m.tuple([m.text('['), m.interned('[')]),
      m.tuple([flagged(m.text('[')), m.reference(0)]),
    ],
    [
      'the order of a frozenset',
      m.frozenset([m.text('b c'), m.text('a b')]),
      m.frozenset([m.text('a b'), m.text('b c')]),
    ],
  ])('takes out %s', (_, before, after) => {
    expect(normalizePyc(pycOf(before))).toEqual(pycOf(after));
  });

  it('preserves the meaning, and is idempotent', () => {
    const pycs = anyMarshalled.map((value) => pycOf(value));
    expectNormalForm(pycs, normalizePyc, meaning);
  });

  it('keeps nothing from one pyc to the next', () => {
    const first = pycOf(m.frozenset([flagged(m.text('a b')), m.reference(0), m.interned('[')]));
    const second = pycOf(m.tuple([m.text('a b'), m.interned('['), m.frozenset([m.text('a b')])]));
    const alone = Buffer.from(normalized(second));
    for (const before of [first, second, pycOf(m.reference(0)), first.subarray(0, 30)]) {
      normalizePyc(before);
      expect(normalizePyc(second)).toEqual(alone);
    }
  });

  it('preserves the header', () => {
    const pyc = pycOf(m.tuple([flagged(m.int(1)), m.frozenset([])]));
    pyc.fill(0x5a, 8, 16);
    expect(normalized(pyc).subarray(0, 16)).toEqual(pyc.subarray(0, 16));
  });

  it('refuses a pyc truncated anywhere', () => {
    expect(normalized(manyKinds)).not.toEqual(manyKinds);
    for (let length = 0; length < manyKinds.length; length++) {
      expect([length, normalizePyc(manyKinds.subarray(0, length))]).toEqual([
        length,
        { unreadable: expect.stringMatching(/^(is too short to be a pyc|ends within its header|truncated)$/) },
      ]);
    }
  });

  it('drops bytes after the code', () => {
    expect(normalizePyc(Buffer.concat([manyKinds, m.none]))).toEqual(normalizePyc(manyKinds));
  });

  it.each<[string, Buffer, string]>([
    ['of an unknown magic number', pycOf(m.none, 3700), 'unknown magic number 3700'],
    ['of a pre-release', pycOf(m.none, 3494), 'unknown magic number 3494'],
    ['that is none', Buffer.from('#!/usr/bin/python3\n'), 'does not start with a magic number'],
    ['with a reference out of range', pycOf(m.reference(0)), 'a reference to an object that does not exist'],
    [
      'with a frozenset and a reference out of range',
      pycOf(m.frozenset([m.reference(7)])),
      'a reference to an object that does not exist',
    ],
    [
      'with an object in itself',
      pycOf(flagged(m.tuple([m.frozenset([m.int(2), m.int(1)]), m.reference(0)]))),
      'an object that contains itself',
    ],
    ['with a null outside a dict', pycOf(m.tuple([m.null])), 'a null outside a dict'],
    ['that nests too deep', pycOf(Buffer.concat([Buffer.alloc(4002, ')\x01'), m.none])), 'nested too deeply'],
  ])('reports why it does not change a pyc %s', (_, pyc, unreadable) => {
    expect(normalizePyc(pyc)).toEqual({ unreadable });
  });
});
