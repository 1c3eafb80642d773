import { describe, expect, it } from 'vitest';
import { modulesOf, pairModules } from '../../src/diff/pairs.ts';
import { type DescribedEntry, describedPayload, entryAt } from '../helpers/payload.ts';

const header = { magicNumber: 3495, invalidationMode: 'timestamp', sourceMtimeSeconds: 0, sourceSizeBytes: 0 } as const;
const pyc = (name: string, sha256: string, more: Partial<DescribedEntry> = {}) =>
  entryAt(`/lib/__pycache__/${name}`, { pyc: { sha256, header }, ...more });

/** The pairs of two payloads: of each module what is known, and the levels whose bytes are compared. */
function paired(old: readonly DescribedEntry[], now: readonly DescribedEntry[]) {
  const [was, is] = [old, now].map((entries) => {
    const { payload, facts } = describedPayload(entries);
    return modulesOf(payload, facts);
  });
  return pairModules(was as NonNullable<typeof was>, is as NonNullable<typeof is>).map(({ source, known, pairs }) => [
    source,
    known.map(({ kind, detail, levels }) => [kind, detail, levels.join(' ')].join(': ')),
    pairs.map(({ level }) => level),
  ]);
}

describe('pairModules', () => {
  it('leaves out unchanged modules', () => {
    const entries = [pyc('a.cpython-311.pyc', '1'), entryAt('/lib/a.py'), pyc('a.cpython-311.opt-1.pyc', '2')];
    expect(paired(entries, entries)).toEqual([]);
  });

  it('pairs levels with different bytes, and lists added and removed ones', () => {
    const old = [pyc('a.cpython-311.pyc', '1'), pyc('a.cpython-311.opt-1.pyc', '1')];
    const now = [pyc('a.cpython-311.pyc', '2'), pyc('a.cpython-311.opt-2.pyc', '1')];
    expect(paired(old, now)).toEqual([['/lib/a.py', ['levels: added: 2', 'levels: removed: 1'], [0]]]);
  });

  it('keeps cache tags apart, and pycs beside their source', () => {
    const old = [pyc('a.cpython-311.pyc', '1'), entryAt('/lib/a.pyc', { pyc: { sha256: '1', header } })];
    expect(paired(old, [pyc('a.cpython-312.pyc', '1')])).toEqual([
      ['/lib/a.py', ['removed: a pyc without a cache tag: 0'], []],
      ['/lib/a.py', ['removed: for cpython-311: 0'], []],
      ['/lib/a.py', ['added: for cpython-312: 0'], []],
    ]);
    expect(paired(old.slice(0, 1), [pyc('a.cpython-312.pyc', '1')])).toEqual([
      ['/lib/a.py', ['interpreter: for cpython-312, was for cpython-311: 0'], []],
    ]);
    const both = [pyc('a.cpython-311.pyc', '1'), pyc('a.cpython-312.pyc', '1')];
    expect(paired(both, both.slice(1))).toEqual([['/lib/a.py', ['removed: for cpython-311: 0'], []]]);
  });

  it('finds a pyc that import finds in a __pycache__ as in a package', () => {
    const detail = 'added: a pyc without a cache tag: 0';
    expect(paired([], [pyc('evil.pyc', '1')])).toEqual([['/lib/__pycache__/evil.py', [detail], []]]);
  });

  it('says how identical bytes are linked', () => {
    const linked = [pyc('a.cpython-311.pyc', '1', { file: 'x' }), pyc('a.cpython-311.opt-1.pyc', '1', { file: 'x' })];
    const apart = [pyc('a.cpython-311.pyc', '1'), pyc('a.cpython-311.opt-1.pyc', '1')];
    expect(paired(linked, apart)).toEqual([['/lib/a.py', ['links: linked levels: 0 1, was 0=1: 0 1'], []]]);
    expect(paired(apart, linked)).toEqual([['/lib/a.py', ['links: linked levels: 0=1, was 0 1: 0 1'], []]]);
  });

  it('treats a symlink as the pyc that it leads to, and ignores ghosts', () => {
    const symlink = entryAt('/lib/__pycache__/a.cpython-311.pyc', { type: 'symlink', target: '../b' });
    const file = entryAt('/lib/b', { pyc: { sha256: '1', header } });
    expect(paired([symlink, file], [pyc('a.cpython-311.pyc', '1')])).toEqual([]);
    expect(paired([symlink], [pyc('a.cpython-311.pyc', '1', { isGhost: true })])).toEqual([]);
  });

  it('compares the bytes if they were not read', () => {
    const unread = [pyc('a.cpython-311.pyc', '', { pyc: { unread: 'is gone' } })];
    expect(paired(unread, unread)).toEqual([['/lib/a.py', [], [0]]]);
  });
});
