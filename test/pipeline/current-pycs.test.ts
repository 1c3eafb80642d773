import { chmodSync, linkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { discover } from '../../src/buildroot/discover.ts';
import { openTree } from '../../src/buildroot/open.ts';
import { type CompileJob, planCompile } from '../../src/compile/plan.ts';
import { normalizePyc } from '../../src/marshal/normalize-pyc.ts';
import { currentPycs } from '../../src/pipeline/current-pycs.ts';
import type { InvalidationMode } from '../../src/pyc/header.ts';
import { sourceHash } from '../../src/pyc/source-hash.ts';
import { plant, plantBuildroot } from '../helpers/buildroot.ts';
import { python311 } from '../helpers/interpreter.ts';
import { marshalled } from '../helpers/marshal.ts';

const text = 'x = 1\n';
const mtime = 1_600_000_000;
const pycs = ['__pycache__/a.cpython-311.pyc', '__pycache__/a.cpython-311.opt-1.pyc'];

/** Code in normal form that records this path. */
function codeOf(path: string, lineEntry = 0): Buffer {
  const code = Buffer.concat([
    header(3495, 0, 0, 0, Buffer.alloc(0)),
    marshalled.code(1, marshalled.tuple([]), path, lineEntry),
  ]);
  const normal = normalizePyc(code);
  if ('unreadable' in normal) throw new Error(normal.unreadable);
  return normal.subarray(16);
}

const wholeCode = codeOf('/a.py');
const otherForm = marshalled.code(1, marshalled.tuple([]), '/a.py');

function header(magicNumber: number, flags: number, mtimeSeconds: number, sizeBytes: number, code = wholeCode): Buffer {
  const bytes = Buffer.alloc(16);
  [0x0a0d0000 + magicNumber, flags, mtimeSeconds, sizeBytes].forEach((word, i) => {
    bytes.writeUInt32LE(word, 4 * i);
  });
  return Buffer.concat([bytes, code]);
}

function hashed(flags: number, source: string): Buffer {
  const hash = Buffer.from(sourceHash(3495, Buffer.from(source)), 'hex');
  return Buffer.concat([header(3495, flags, 0, 0).subarray(0, 8), hash, wholeCode]);
}

/** Its constant is a number with a digit of sixteen bits. */
const unloadable = Buffer.concat([
  header(3495, 0, mtime, 6).subarray(0, 16),
  marshalled.code(1, marshalled.tuple([Buffer.from('6c010000000080', 'hex')])),
]);

/** A buildroot with a source and its two pycs, and the job that would write them. */
function planted(pyc: Buffer, magicNumber = 3495) {
  const buildroot = openTree(plantBuildroot({ 'a.py': { content: text, mtime } }));
  for (const name of pycs) plant(buildroot.path, { [name]: pyc });
  const { sources } = discover(buildroot, { paths: ['/'], isExcluded: () => false });
  const interpreter = { ...python311, magicNumber };
  const recorded = { strip: buildroot.path, prepend: '/' };
  const [job] = planCompile(sources, () => [interpreter], [0, 1], recorded);
  if (job === undefined) throw new Error('nothing planned');
  return { job, path: (name: string) => join(buildroot.path, name), buildroot: buildroot.path };
}

const isCurrent = (job: CompileJob, mode: InvalidationMode) =>
  currentPycs(job, { invalidationMode: mode, normalize: true, link: true, debugRanges: true }) !== undefined;

describe('currentPycs', () => {
  it.each([
    ['fits', header(3495, 0, mtime, 6), 'timestamp', true],
    ['is older', header(3495, 0, mtime - 1, 6), 'timestamp', false],
    ['has another size', header(3495, 0, mtime, 7), 'timestamp', false],
    ["is another interpreter's", header(3531, 0, mtime, 6), 'timestamp', false],
    ['has another mode', header(3495, 0, mtime, 6), 'checked-hash', false],
    ['has the checked hash', hashed(3, text), 'checked-hash', true],
    ['has the unchecked hash', hashed(1, text), 'unchecked-hash', true],
    ['has a hash that is checked, where it should not be', hashed(3, text), 'unchecked-hash', false],
    ['has the hash of another source', hashed(1, 'x = 2\n'), 'unchecked-hash', false],
    ['is cut', header(3495, 0, mtime, 6).subarray(0, 60), 'timestamp', false],
    ['goes on behind its end', Buffer.concat([header(3495, 0, mtime, 6), wholeCode]), 'timestamp', false],
    ['is whole, but no interpreter loads', unloadable, 'timestamp', false],
    ['records another path', header(3495, 0, mtime, 6, codeOf('/b.py')), 'timestamp', false],
    ['is not in normal form', header(3495, 0, mtime, 6, otherForm), 'timestamp', false],
    ['is empty', Buffer.alloc(0), 'timestamp', false],
    ['is no pyc', Buffer.from('no pyc at all, but long enough'), 'timestamp', false],
  ] as const)('keeps a pyc that %s: %o in mode %s: %s', (_name, pyc, mode, expected) => {
    expect(isCurrent(planted(pyc).job, mode)).toBe(expected);
  });

  it('are undefined if pyclink cannot read the code', () => {
    expect(isCurrent(planted(header(3999, 0, mtime, 6), 3999).job, 'timestamp')).toBe(false);
  });

  it.each([
    [0o600, 0o644, false],
    [0o644, 0o600, false],
    [0o600, 0o600, true],
    [0o444, 0o644, true],
  ])('for a source of mode %o, keeps pycs of mode %o: %s', (sourceMode, pycMode, expected) => {
    const { job, path } = planted(header(3495, 0, mtime, 6));
    chmodSync(path('a.py'), sourceMode);
    for (const name of pycs) chmodSync(path(name), pycMode);
    expect(isCurrent(job, 'timestamp')).toBe(expected);
  });

  it('requires separate files without links', () => {
    const { job, path } = planted(header(3495, 0, mtime, 6));
    const wanted = { invalidationMode: 'timestamp', normalize: true, debugRanges: true } as const;
    expect(currentPycs(job, { ...wanted, link: false })).toBeDefined();
    const [first = '', second = ''] = pycs.map(path);
    rmSync(second);
    linkSync(first, second);
    expect(currentPycs(job, { ...wanted, link: false })).toBeUndefined();
    expect(currentPycs(job, { ...wanted, link: true })).toBeDefined();
  });

  it("requires compileall's own bytes with --no-normalize", () => {
    const wanted = { invalidationMode: 'timestamp', normalize: false, link: true, debugRanges: true } as const;
    expect(currentPycs(planted(header(3495, 0, mtime, 6)).job, wanted)).toBeUndefined();
    expect(currentPycs(planted(header(3495, 0, mtime, 6, otherForm)).job, wanted)).toBeDefined();
  });

  it.each([
    [0, true],
    [10, true],
    [13, false],
    [14, true],
    [15, false],
  ])('treats a line table with entries of kind %i as one with columns: %s', (lineEntry, expected) => {
    const { job } = planted(header(3495, 0, mtime, 6, codeOf('/a.py', lineEntry)));
    const wanted = { invalidationMode: 'timestamp', normalize: true, link: true } as const;
    expect(currentPycs(job, { ...wanted, debugRanges: true }) !== undefined).toBe(expected);
    expect(currentPycs(job, { ...wanted, debugRanges: false }) !== undefined).toBe(!expected);
  });

  it('requires every pyc of the job', () => {
    const { job, path, buildroot } = planted(header(3495, 0, mtime, 6));
    const last = pycs[1] as string;
    plant(buildroot, { [last]: header(3495, 0, mtime + 1, 6) });
    expect(isCurrent(job, 'timestamp')).toBe(false);
    rmSync(path(last));
    expect(isCurrent(job, 'timestamp')).toBe(false);
    plant(buildroot, { [last]: { directory: true } });
    expect(isCurrent(job, 'timestamp')).toBe(false);
  });
});
