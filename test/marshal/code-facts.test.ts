import { describe, expect, it } from 'vitest';
import { codeFactsOf } from '../../src/marshal/code-facts.ts';
import { normalizePyc } from '../../src/marshal/normalize-pyc.ts';
import { type CodeLayout, codeLayoutOf } from '../../src/pyc/releases.ts';
import { itOnEachPython } from '../helpers/each-python.ts';
import { marshalled as m, magicNumber, pycOf, pycWrittenBy, wholeCode } from '../helpers/marshal.ts';

const layout = codeLayoutOf(magicNumber) as CodeLayout;
const withConstant = (...constants: Buffer[]) => m.code(1, m.tuple(constants));
const sized = (type: string, size: number, ...bytes: number[]) => {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeInt32LE(size, 1);
  return Buffer.concat([head, Buffer.from(bytes)]);
};

describe('codeFactsOf', () => {
  it.each([
    ['no code', m.none, 'not a code object'],
    ['bytes behind the end', Buffer.concat([wholeCode, m.none]), 'bytes follow the end of the code'],
    ['itself in it', m.flagged(withConstant(m.reference(0))), 'an object that contains itself'],
    [
      'a list in a frozenset',
      withConstant(Buffer.concat([sized('>', 1), sized('[', 0)])),
      'a set with an element that has no hash',
    ],
    ['a string that is not UTF-8', withConstant(sized('u', 1, 0xff)), 'a string that is not UTF-8'],
    ['a digit of sixteen bits', withConstant(sized('l', 1, 0, 0x80)), 'a number with a digit out of range'],
    ['a highest digit of zero', withConstant(sized('l', 2, 1, 0, 0, 0)), 'a number with a digit out of range'],
    ['a float that is a word', withConstant(Buffer.from('f\x03abc', 'latin1')), 'text in the place of a number'],
  ])('names the damage of a pyc with %s', (_, value, damage) => {
    expect(codeFactsOf(pycOf(value), layout).damage).toBe(damage);
  });

  it('takes a lone surrogate in a string, as marshal does', () => {
    expect(codeFactsOf(pycOf(withConstant(sized('u', 3, 0xed, 0xa0, 0x80))), layout)).not.toHaveProperty('damage');
  });

  itOnEachPython('reads the path and the form of what $name writes', ({ executable }) => {
    const pyc = pycWrittenBy(executable, '/a/b.py');
    const its = codeLayoutOf(pyc.readUInt16LE(0)) as CodeLayout;
    const normal = normalizePyc(pyc) as Buffer;
    expect(codeFactsOf(normal, its)).toEqual({ recordedPath: '/a/b.py', isNormal: true });
    expect(codeFactsOf(pyc, its)).toEqual({ recordedPath: '/a/b.py', isNormal: normal === pyc });
  });
});
