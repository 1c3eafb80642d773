import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import { encodeFilelist } from '../../src/manifest/filelist.ts';
import type { PycRecord } from '../../src/manifest/schema.ts';

const record = (...paths: string[]): PycRecord => ({
  source: '/a.py' as PayloadPath,
  paths: paths as PayloadPath[],
  sizeBytes: 1,
  sha256: '',
  mode: '0644',
  invalidationMode: 'timestamp',
});

describe('encodeFilelist', () => {
  it('keeps a path with a newline on one line', () => {
    expect(encodeFilelist([record('/a\n/__pycache__/b.x.pyc')])).toBe(
      '%dir "/a?/__pycache__"\n"/a?/__pycache__/b.x.pyc"\n',
    );
  });

  it('lists each directory once, then every pyc, sorted', () => {
    expect(
      encodeFilelist([
        record('/usr/b/__pycache__/b.x.pyc', '/usr/b/__pycache__/b.x.opt-1.pyc'),
        record('/usr/a/__pycache__/a.x.pyc'),
        record('/usr/b/__pycache__/a.x.pyc'),
      ]).split('\n'),
    ).toEqual([
      '%dir "/usr/a/__pycache__"',
      '%dir "/usr/b/__pycache__"',
      '"/usr/a/__pycache__/a.x.pyc"',
      '"/usr/b/__pycache__/a.x.pyc"',
      '"/usr/b/__pycache__/b.x.opt-1.pyc"',
      '"/usr/b/__pycache__/b.x.pyc"',
      '',
    ]);
  });

  it('of nothing is empty', () => {
    expect(encodeFilelist([])).toBe('');
  });

  it.each([
    ['/a b/é-+@,~#$.pyc', '/a b/é-+@,~#$.pyc'],
    ['/a/[x]*?.pyc', '/a/?x???.pyc'],
    ['/a/{x,y}.pyc', '/a/?x,y?.pyc'],
    ['/a/%{x}.pyc', '/a/??x?.pyc'],
    ['/a/"\'\\.pyc', '/a/???.pyc'],
    ['/[a]/b.pyc', '/?a?/b.pyc'],
  ])('writes %s as %s', (path, written) => {
    const directory = written.slice(0, written.lastIndexOf('/'));
    expect(encodeFilelist([record(path)])).toBe(`%dir "${directory}"\n"${written}"\n`);
  });

  it('writes patterns of the length of the path, which match it and have nothing special but "?"', () => {
    const name = fc
      .string({ unit: 'grapheme-composite', minLength: 1, maxLength: 12 })
      .filter((text) => !/[/\0\n]/.test(text));
    fc.assert(
      fc.property(name, name, (directory, stem) => {
        const path = `/${directory}/${stem}.pyc`;
        const lines = encodeFilelist([record(path)]).split('\n');
        expect(lines).toHaveLength(3);
        const pattern = lines[1]?.slice(1, -1) ?? '';
        expect(pattern).toHaveLength(path.length);
        for (const [i, char] of Array.from(pattern).entries()) {
          expect(['?', Array.from(path)[i]]).toContain(char);
          expect('"[]*{}\\%\'').not.toContain(char);
        }
      }),
    );
  });
});
