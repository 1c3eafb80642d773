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
  it('lists each directory once, then every pyc, sorted', () => {
    expect(
      encodeFilelist([
        record('/usr/b/__pycache__/b.x.pyc', '/usr/b/__pycache__/b.x.opt-1.pyc'),
        record('/usr/a/__pycache__/a.x.pyc'),
        record('/usr/b/__pycache__/a.x.pyc'),
      ]).text.split('\n'),
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

  it('lists no directory for a pyc next to its source', () => {
    expect(encodeFilelist([{ ...record('/usr/a/a.pyc'), cacheTag: 'cpython-311' }]).text).toBe('"/usr/a/a.pyc"\n');
  });

  it('of nothing is empty', () => {
    expect(encodeFilelist([])).toEqual({ text: '', unlisted: [] });
  });

  it.each([
    ['/a b/é-+@,~#$.pyc', '"/a b/é-+@,~#$.pyc"'],
    [`/a/it's.pyc`, `"/a/it's.pyc"`],
    ['/a/q"u.pyc', '/a/q"u.pyc'],
    ['/a/[x]*?.pyc', '/a/[[]x[]][*][?].pyc'],
    ['/a/%{x.pyc', '/a/[%][{]x.pyc'],
    ['/a/}x{.pyc', '/a/[}]x[{].pyc'],
    [`/a/"'*.pyc`, `/a/\\"\\'[*].pyc`],
    ['/[a]/b.pyc', '/[[]a[]]/b.pyc'],
    [`/a b/it's ].pyc`, `"/a b/it's ].pyc"`],
  ])('writes %s as %s', (path, written) => {
    const directory = encodeFilelist([record(`${path.slice(0, path.lastIndexOf('/'))}/m.pyc`)]).text.split('\n')[0];
    expect(encodeFilelist([record(path)])).toEqual({ text: `${directory}\n${written}\n`, unlisted: [] });
  });

  it.each(['back\\slash', 'new\nline', 'tab\t', '{a,b}', '{a}', 'a b*', 'a [b', 'a "b', 'a %b'])(
    'leaves %j out and reports it, because a pattern would match other files',
    (name) => {
      const [odd, plain] = [`/p/__pycache__/${name}.pyc`, '/p/__pycache__/plain.pyc'];
      expect(encodeFilelist([record(plain, odd)])).toEqual({
        text: `%dir "/p/__pycache__"\n"${plain}"\n`,
        unlisted: [odd],
      });
      const directory = `/p/${name}/__pycache__`;
      expect(encodeFilelist([record(`${directory}/a.pyc`, `${directory}/b.pyc`, plain)])).toEqual({
        text: `%dir "/p/__pycache__"\n"${plain}"\n`,
        unlisted: [directory],
      });
    },
  );

  it('writes patterns that match only their path, by the rules of every rpm', () => {
    const name = fc.string({ unit: fc.constantFrom(...`ab "'\\[]{}*?%,-!^é\n`), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(name, name, (directory, stem) => {
        const path = `/${directory}/${stem}.pyc` as PayloadPath;
        const { text, unlisted } = encodeFilelist([record(path)]);
        const pattern = text.split('\n')[1];
        expect(unlisted.length > 0).toBe(pattern === undefined || pattern === '');
        if (pattern) expect([oldRpm(pattern), newRpm(pattern)]).toEqual([path, path]);
      }),
    );
  });
});

/** What rpm 4.18 takes a line for, if that is one path: no escapes outside of globs, no quotes within them. */
function oldRpm(line: string): string | undefined {
  const quoted = /^"([^"]*)"$/.exec(line)?.[1];
  const token = quoted ?? line;
  if (quoted === undefined && /\s/.test(token)) return undefined;
  if (!/[*?[{]/.test(token)) return token;
  return quoted === undefined ? globbed(token.replace(/\\(.)/gs, '$1')) : undefined;
}

/** What rpm 4.20 and later take a line for: quotes turn globs off, and a backslash escapes. */
function newRpm(line: string): string | undefined {
  const quoted = /^"([^"\\]*)"$/.exec(line)?.[1];
  if (quoted !== undefined) return quoted;
  return /\s/.test(line) ? undefined : globbed(line);
}

/** The only path that a glob of characters and classes of one character matches; undefined if it may match another. */
function globbed(glob: string): string | undefined {
  if (/\{.*\}/s.test(glob)) return undefined;
  const plain = glob.replace(/\[(\]|[^\]!^])\]|\\(["'])/g, (_, inClass, escaped) => {
    const char = inClass ?? escaped;
    return String.fromCodePoint(char.codePointAt(0) + 0xe000);
  });
  if (/[*?[\\]/.test(plain)) return undefined;
  return plain.replace(/[\ue000-\ue0ff]/g, (char) => String.fromCodePoint((char.codePointAt(0) as number) - 0xe000));
}
