import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { codeFactsOf } from '../../src/marshal/code-facts.ts';
import { normalizePyc } from '../../src/marshal/normalize-pyc.ts';
import { type CodeLayout, codeLayoutOf } from '../../src/pyc/releases.ts';
import { itOnEachPython } from '../helpers/each-python.ts';
import { marshalled as m, magicNumber, pycOf, pycWrittenBy, wholeCode } from '../helpers/marshal.ts';

const layout = codeLayoutOf(magicNumber) as CodeLayout;
const withConstant = (...constants: Buffer[]) => m.code(1, m.tuple(constants));

const noRanges = ['-X', 'no_debug_ranges'] as const;

function compiledBy(executable: string, text: string, flags: readonly string[]): Buffer {
  const script =
    'import importlib.util, marshal, sys\n' +
    'header = importlib.util.MAGIC_NUMBER + bytes(8 if sys.version_info < (3, 7) else 12)\n' +
    'sys.stdout.buffer.write(header + marshal.dumps(compile(sys.argv[1], "a", "exec")))';
  return execFileSync(executable, ['-S', ...flags, '-c', script, text]);
}

describe('codeFactsOf', () => {
  it.each([
    ['no code', m.none, 'not a code object'],
    ['nothing', Buffer.alloc(0), 'truncated'],
    ['itself in it', m.flagged(withConstant(m.reference(0))), 'an object that contains itself'],
    ['a reference to nothing', withConstant(m.reference(0)), 'a reference to an object that does not exist'],
    ['an unknown type', withConstant(Buffer.from('?')), 'an object of unknown type 0x3f'],
  ])('reports the damage of a pyc with %s', (_, value, damage) => {
    expect(codeFactsOf(pycOf(value), layout).damage).toBe(damage);
  });

  it.each([
    ['bytes behind the end', Buffer.concat([wholeCode, m.none])],
    ['a flag on None', withConstant(m.flagged(m.none))],
    ['a flag on a reference', withConstant(m.flagged(m.int(1)), m.flagged(m.reference(0)))],
  ])('reports a pyc with %s as not normalizable, but not as damaged, because marshal reads it', (_, value) => {
    expect(codeFactsOf(pycOf(value), layout)).toEqual({ recordedPath: 'f', isNormal: false, hasColumns: true });
  });

  itOnEachPython('finds no damage in pycs of $name, but in every truncated one', ({ executable }) => {
    const pyc = pycWrittenBy(executable, 'a');
    const own = codeLayoutOf(pyc.readUInt16LE(0)) as CodeLayout;
    expect(codeFactsOf(pyc, own)).not.toHaveProperty('damage');
    for (let size = 16; size < pyc.length; size++) {
      expect(codeFactsOf(pyc.subarray(0, size), own)).toEqual({ damage: 'truncated' });
    }
  });

  itOnEachPython('detects whether $name wrote columns', ({ executable, minor }) => {
    const writes = Number(minor.slice(2)) >= 11;
    for (const [text, flags, expected] of [
      ['', [], true],
      ['', noRanges, false],
      ['def f(x): return x[0]\n', [], true],
      ['def f(x): return x[0]\n', noRanges, false],
    ] as const) {
      const pyc = compiledBy(executable, text, flags);
      const facts = codeFactsOf(pyc, codeLayoutOf(pyc.readUInt16LE(0)) as CodeLayout);
      expect([text, flags, facts.hasColumns]).toEqual([text, flags, writes ? expected : undefined]);
    }
  });

  itOnEachPython('reads path and normal form of pycs of $name', ({ executable }) => {
    const pyc = pycWrittenBy(executable, '/a/b.py');
    const its = codeLayoutOf(pyc.readUInt16LE(0)) as CodeLayout;
    const normal = normalizePyc(pyc) as Buffer;
    expect(codeFactsOf(normal, its)).toMatchObject({ recordedPath: '/a/b.py', isNormal: true });
    expect(codeFactsOf(pyc, its)).toMatchObject({ recordedPath: '/a/b.py', isNormal: normal === pyc });
  });
});
