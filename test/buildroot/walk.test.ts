import { execFileSync } from 'node:child_process';
import { type Dirent, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Found, walk } from '../../src/buildroot/walk.ts';
import type { StagedPath } from '../../src/files/path.ts';
import { plantBuildroot, temporaryDirectory } from '../helpers/buildroot.ts';

const slash = Buffer.from('/');
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What is below a directory, by plain readdir: names as bytes. */
function naiveWalk(directory: Buffer): { path: Buffer; type: Found['type'] }[] {
  return readdirSync(directory, { withFileTypes: true, encoding: 'buffer' }).flatMap((entry) => {
    const path = Buffer.concat([directory, slash, entry.name]);
    return [{ path, type: typeOf(entry) }, ...(entry.isDirectory() ? naiveWalk(path) : [])];
  });
}

function typeOf(entry: Dirent<Buffer>): Found['type'] {
  if (entry.isFile()) return 'file';
  return entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'symlink' : 'other';
}

function isUtf8(bytes: Buffer): boolean {
  try {
    utf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** All directories beside a path and those above it. */
function besides(path: string): string[] {
  if (path === '/') return [];
  const parent = dirname(path);
  const others = readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...besides(parent), ...others.map(({ name }) => join(parent, name)).filter((other) => other !== path)];
}

const awkward = fc.constantFrom(
  ...[
    '\n',
    '\r',
    '\u2028',
    '\u2029',
    '\t',
    '\x7f',
    '\u0085',
    '\\',
    '[',
    ']',
    '(',
    ')',
    '{',
    '}',
    '!',
    '*',
    '?',
    '+',
    '@',
    '|',
  ],
  ...[
    '"',
    "'",
    '`',
    '$',
    ' ',
    '.',
    '..',
    '-',
    '#',
    '~',
    '^',
    ':',
    ',',
    '%',
    '%2e',
    'é',
    'e\u0301',
    '😀',
    '\ufeff',
    'a',
  ],
);
const textName = fc
  .tuple(fc.array(awkward, { maxLength: 5 }), fc.constantFrom('.py', '.pyc', '', '.PY', '.py\n'))
  .map(([parts, ending]) => Buffer.from(parts.join('') + ending));
const byteName = fc
  .tuple(fc.uint8Array({ min: 1, max: 255, minLength: 1, maxLength: 5 }), fc.constantFrom('.py', ''))
  .map(([bytes, ending]) => Buffer.concat([bytes, Buffer.from(ending)]));
const usable = (name: Buffer) => !/^(\.?\.?|.*\/.*)$/s.test(name.toString('latin1'));
const kind = fc.constantFrom('file', 'directory', 'symlink');
const treeOf = (name: fc.Arbitrary<Buffer>) =>
  fc.array(fc.tuple(name.filter(usable), kind, fc.nat()), { minLength: 1, maxLength: 12 });

/** Plants each entry in one of the directories before it. */
function plantNames(entries: readonly (readonly [Buffer, string, number])[]): StagedPath {
  const root = temporaryDirectory();
  const directories = [Buffer.from(root)];
  for (const [name, what, place] of entries) {
    const path = Buffer.concat([directories[place % directories.length] ?? slash, slash, name]);
    try {
      if (what === 'directory') mkdirSync(path);
      else if (what === 'symlink') symlinkSync(root, path);
      else writeFileSync(path, '', { flag: 'wx' });
      if (what === 'directory') directories.push(path);
    } catch {
      // The name is taken.
    }
  }
  return root as StagedPath;
}

describe('walk', () => {
  it('finds the names that match, at any depth, hidden ones too, sorted, with their types', () => {
    const root = plantBuildroot({
      'a.py': '',
      'b.pyc': '',
      '.hidden/.c.py': '',
      '-d/[e].py': '',
      'x.py': { directory: true },
      'link.py': { symlink: 'nothing' },
      linked: { symlink: '.hidden' },
    });
    execFileSync('mkfifo', [join(root, 'pipe.py')]);
    expect(walk(root as StagedPath, /\.py$/)).toEqual({
      found: [
        { path: `${root}/-d/[e].py`, type: 'file' },
        { path: `${root}/.hidden/.c.py`, type: 'file' },
        { path: `${root}/a.py`, type: 'file' },
        { path: `${root}/link.py`, type: 'symlink' },
        { path: `${root}/pipe.py`, type: 'other' },
        { path: `${root}/x.py`, type: 'directory' },
      ],
      notUtf8: [],
      unreadable: [],
      otherFileSystems: [],
    });
  });

  it('matches the name, not the path', () => {
    const root = plantBuildroot({ 'a.pyc': '', 'b.pyo': '', 'c.pyc/d.py': '' });
    const { found } = walk(root as StagedPath, /\.py[co]$/);
    expect(found.map(({ path }) => path)).toEqual(['a.pyc', 'b.pyo', 'c.pyc'].map((name) => `${root}/${name}`));
  });

  it('enters a directory whose own path is full of glob characters', () => {
    const root = plantBuildroot({ '{a,b}[!c]*?\\(d)\n/e.py': '' });
    const { found } = walk(`${root}/{a,b}[!c]*?\\(d)\n` as StagedPath, /\.py$/);
    expect(found).toEqual([{ path: `${root}/{a,b}[!c]*?\\(d)\n/e.py`, type: 'file' }]);
  });

  it('finds exactly what readdir finds, whatever the names', () => {
    fc.assert(
      fc.property(treeOf(textName), (entries) => {
        const root = plantNames(entries);
        const all = naiveWalk(Buffer.from(root))
          .map(({ path, type }) => ({ path: path.toString(), type }))
          .sort((a, b) => (a.path < b.path ? -1 : 1));
        expect(walk(root, /^/)).toEqual({ found: all, notUtf8: [], unreadable: [], otherFileSystems: [] });
        expect(walk(root, /\.py$/).found).toEqual(all.filter(({ path }) => path.endsWith('.py')));
      }),
      { numRuns: 150 },
    );
  });

  it('tells names that are not UTF-8 apart, whatever their bytes', () => {
    fc.assert(
      fc.property(treeOf(fc.oneof(byteName, textName)), (entries) => {
        const root = plantNames(entries);
        const all = naiveWalk(Buffer.from(root));
        const { found, notUtf8, unreadable } = walk(root, /^/);
        const decodable = all.filter(({ path }) => isUtf8(path)).map(({ path }) => path.toString());
        expect(new Set(found.map(({ path }) => path))).toEqual(new Set(decodable));
        expect(found.length + notUtf8.length).toBe(all.length);
        expect(unreadable).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('shows each byte that is not UTF-8 by its number', () => {
    const root = temporaryDirectory();
    const directory = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x64, 0xff])]);
    mkdirSync(directory);
    writeFileSync(Buffer.concat([directory, Buffer.from('/a.py')]), '');
    writeFileSync(Buffer.concat([directory, Buffer.from('/\xe9\n.py', 'latin1')]), '');
    expect(walk(root as StagedPath, /\.py$/)).toEqual({
      found: [],
      notUtf8: ['/\xe9\n.py', '/a.py'].map((name) => ({
        shown: `${root}/d\\xff${name.replace('\xe9', '\\xe9')}`,
        bytes: Buffer.concat([directory, Buffer.from(name, 'latin1')]),
      })),
      unreadable: [],
      otherFileSystems: [],
    });
  });

  it('reports a directory that cannot be listed', () => {
    const root = temporaryDirectory();
    const { found, unreadable } = walk(`${root}/missing` as StagedPath, /^/);
    expect(found).toEqual([]);
    expect(unreadable).toEqual([{ directory: `${root}/missing`, error: expect.objectContaining({ code: 'ENOENT' }) }]);
  });

  it('reports an unreadable directory with one leading slash, in the running system too', () => {
    const root = temporaryDirectory();
    // Too deep for its path to be used.
    const make = 'n=$(printf %0250d 0); for i in $(seq 17); do mkdir $n; cd $n; done';
    execFileSync('bash', ['-c', make], { cwd: root });
    try {
      const without = besides(root);
      const { unreadable } = walk('/' as StagedPath, /^none$/, { without });
      // Other tests make and remove directories meanwhile.
      expect(unreadable.filter(({ directory }) => directory.startsWith(root))).toEqual([
        {
          directory: expect.stringMatching(`^${root}/0{249}`),
          error: expect.objectContaining({ code: 'ENAMETOOLONG' }),
        },
      ]);
    } finally {
      execFileSync('bash', ['-c', 'rm -rf 0*'], { cwd: root });
    }
  });
});
