import { describe, expect, it } from 'vitest';
import { damageOf } from '../../src/marshal/damage.ts';
import { parsePycHeader } from '../../src/pyc/header.ts';
import { type CodeLayout, codeLayoutOf } from '../../src/pyc/releases.ts';
import { itOnEachPython } from '../helpers/each-python.ts';
import { marshalled as m, magicNumber, pycOf, pycWrittenBy, wholeCode } from '../helpers/marshal.ts';

const layout = codeLayoutOf(magicNumber) as CodeLayout;

describe('damageOf', () => {
  it.each([
    ['whole code', wholeCode, undefined],
    ['code that refers to itself', m.flagged(m.code(1, m.tuple([m.reference(0)]))), undefined],
    ['no code at all', Buffer.alloc(0), 'ends within the code'],
    ['another object', m.none, 'not a code object'],
    ['bytes behind the end', Buffer.concat([wholeCode, m.none]), 'bytes follow the end of the code'],
    ['a reference to nothing', m.code(1, m.tuple([m.reference(0)])), 'a reference to an object that is not there'],
    ['an unknown type', m.code(1, Buffer.from([0x3f])), 'an object of unknown type 0x3f'],
  ])('of a pyc with %s', (_name, value, expected) => {
    expect(damageOf(pycOf(value), layout)).toBe(expected);
  });

  itOnEachPython('is nothing in what $name writes, and is found wherever that is cut', ({ executable }) => {
    const pyc = pycWrittenBy(executable, 'a');
    const header = parsePycHeader(pyc);
    if ('unreadable' in header) throw new Error(header.unreadable);
    const own = codeLayoutOf(header.magicNumber) as CodeLayout;
    expect(damageOf(pyc, own)).toBeUndefined();
    for (let size = 16; size < pyc.length; size++) {
      expect(damageOf(pyc.subarray(0, size), own)).toBe('ends within the code');
    }
  });
});
