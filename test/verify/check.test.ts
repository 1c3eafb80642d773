import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import type { PycRecord } from '../../src/manifest/schema.ts';
import type { Payload, PayloadEntry } from '../../src/payload/entry.ts';
import type { PycHeader } from '../../src/pyc/header.ts';
import { check } from '../../src/verify/check.ts';

const [source, pyc0, pyc1, pyc2] = [
  '/usr/lib/a.py',
  '/usr/lib/__pycache__/a.cpython-311.pyc',
  '/usr/lib/__pycache__/a.cpython-311.opt-1.pyc',
  '/usr/lib/__pycache__/a.cpython-311.opt-2.pyc',
] as PayloadPath[] as [PayloadPath, PayloadPath, PayloadPath, PayloadPath];

const header: PycHeader = {
  magicNumber: 3495,
  invalidationMode: 'timestamp',
  sourceMtimeSeconds: 5,
  sourceSizeBytes: 6,
};
const hashed: PycHeader = { magicNumber: 3495, invalidationMode: 'checked-hash', sourceHash: 'ab' };

const record: PycRecord = {
  source,
  paths: [pyc0, pyc1, pyc2],
  sizeBytes: 100,
  sha256: 'right',
  mode: '0644',
  invalidationMode: 'timestamp',
};

const sourceEntry: PayloadEntry = {
  path: source,
  container: 'a.rpm',
  inode: '1',
  isGhost: false,
  sizeBytes: 6,
  mode: 0o644,
  owner: 'root:root',
  mtimeSeconds: 5,
};
const pycEntry = (path: PayloadPath): PayloadEntry => ({
  ...sourceEntry,
  path,
  inode: '2',
  sizeBytes: 100,
  sha256: 'right',
  header,
});

type Changes = Readonly<Record<string, Partial<PayloadEntry> | 'absent' | undefined>>;

/** A payload that is as it was built, but for these changes. */
function payload(changes: Changes): Payload {
  const entries = [sourceEntry, ...record.paths.map(pycEntry)].flatMap((entry) => {
    const change = changes[entry.path];
    return change === 'absent' ? [] : { ...entry, ...change };
  });
  return new Map(entries.map((entry) => [entry.path, [entry]]));
}

describe('check', () => {
  it.each<[string, Changes, { kind: string; path: string; detail: string }[]]>([
    ['nothing, where all is as built', {}, []],
    [
      'nothing, where the file got more names, another mtime and owner',
      Object.fromEntries([pyc0, pyc1, pyc2].map((path) => [path, { owner: 'me:me', mtimeSeconds: 9, inode: '1' }])),
      [],
    ],
    [
      'a pyc that is missing',
      { [pyc1]: 'absent' },
      [{ kind: 'missing', path: pyc1, detail: 'in the manifest, but not in the payload' }],
    ],
    [
      'every pyc, but not the source, where only the source is there',
      { [pyc0]: 'absent', [pyc1]: 'absent', [pyc2]: 'absent' },
      [pyc1, pyc2, pyc0].map((path) => ({ kind: 'missing', path, detail: 'in the manifest, but not in the payload' })),
    ],
    [
      'a source that is missing',
      { [source]: 'absent' },
      [{ kind: 'missing', path: source, detail: 'the source of pycs that are in the payload' }],
    ],
    [
      'a pyc that is another file',
      { [pyc1]: { inode: '3' } },
      [{ kind: 'unlinked', path: pyc1, detail: `another file than ${pyc0}` }],
    ],
    [
      'a group that is spread over packages, whose inodes say nothing',
      { [pyc2]: { container: 'b.rpm' } },
      [
        { kind: 'split', path: pyc1, detail: `in a.rpm, without ${pyc2}, which is in b.rpm` },
        { kind: 'split', path: pyc2, detail: `in b.rpm, without ${pyc0}, which is in a.rpm` },
        { kind: 'split', path: pyc0, detail: `in a.rpm, without ${pyc2}, which is in b.rpm` },
      ],
    ],
    [
      'another mode',
      { [pyc2]: { mode: 0o4600 } },
      [
        {
          kind: 'metadata-differs',
          path: pyc2,
          detail: `mode 4600 owner root:root, ${pyc0} has mode 0644 owner root:root`,
        },
      ],
    ],
    [
      'another owner',
      { [pyc2]: { owner: 'root:wheel' } },
      [
        {
          kind: 'metadata-differs',
          path: pyc2,
          detail: `mode 0644 owner root:wheel, ${pyc0} has mode 0644 owner root:root`,
        },
      ],
    ],
    [
      'a ghost, whatever else is different about it',
      { [pyc1]: { isGhost: true, inode: '3', mode: 0, sha256: 'other' } },
      [{ kind: 'ghosted', path: pyc1, detail: 'recorded, but not stored' }],
    ],
    [
      'nothing, where all names of a file are ghosts',
      Object.fromEntries([pyc0, pyc1, pyc2].map((path) => [path, { isGhost: true, sha256: 'other' }])),
      [],
    ],
    [
      'a symlink in the place of a pyc',
      { [pyc1]: { isSymlink: true, inode: '3', mode: 0o777 } },
      [{ kind: 'missing', path: pyc1, detail: 'is a symlink' }],
    ],
    ['nothing, where the source is a symlink', { [source]: { isSymlink: true, mtimeSeconds: 9 } }, []],
    [
      'other bytes',
      { [pyc1]: { sha256: 'other' } },
      [{ kind: 'damaged', path: pyc1, detail: 'its SHA-256 is another' }],
    ],
    [
      'bytes that are no pyc',
      { [pyc1]: { sha256: 'other', header: { unreadable: 'ends within its header' } } },
      [{ kind: 'damaged', path: pyc1, detail: 'it ends within its header' }],
    ],
    [
      'code that ends early, which was built so',
      { [pyc1]: { damage: 'ends within the code' } },
      [{ kind: 'damaged', path: pyc1, detail: 'its code cannot be read: ends within the code' }],
    ],
    [
      'a source that is newer than its pycs',
      { [source]: { mtimeSeconds: 6 } },
      [pyc1, pyc2, pyc0].map((path) => ({ kind: 'stale', path, detail: 'it records mtime 5, the source has 6' })),
    ],
    [
      'a source of another size than one pyc says',
      { [pyc1]: { header: { ...header, sourceSizeBytes: 7 } } },
      [{ kind: 'stale', path: pyc1, detail: 'it records 7 bytes, the source has 6' }],
    ],
    [
      'nothing, where the source has the hash',
      {
        [source]: { sourceHashes: new Map([[3495, 'ab']]), mtimeSeconds: 9 },
        ...Object.fromEntries([pyc0, pyc1, pyc2].map((path) => [path, { header: hashed }])),
      },
      [],
    ],
    [
      'a source with another hash',
      { [source]: { sourceHashes: new Map([[3495, 'cd']]) }, [pyc0]: { header: hashed } },
      [{ kind: 'stale', path: pyc0, detail: 'the source has another hash' }],
    ],
    [
      'several things wrong with one path, by kind',
      { [pyc1]: { inode: '3', mode: 0o600, sha256: 'other', header: { ...header, sourceMtimeSeconds: 4 } } },
      [
        { kind: 'damaged', path: pyc1, detail: 'its SHA-256 is another' },
        {
          kind: 'metadata-differs',
          path: pyc1,
          detail: `mode 0600 owner root:root, ${pyc0} has mode 0644 owner root:root`,
        },
        { kind: 'stale', path: pyc1, detail: 'it records mtime 4, the source has 5' },
        { kind: 'unlinked', path: pyc1, detail: `another file than ${pyc0}` },
      ],
    ],
  ])('finds %s', (_name, changes, findings) => {
    expect(check([record], payload(changes))).toEqual(findings);
  });

  it('checks only bytes and source of pycs that are not linked', () => {
    const alone = [pyc0, pyc1, pyc2].map((path) => ({ ...record, paths: [path] }));
    expect(check(alone, payload({ [pyc1]: { inode: '3', mode: 0o600 } }))).toEqual([]);
  });

  it('holds a pyc against the source of its own package', () => {
    const entries = new Map(payload({}));
    entries.set(source, [{ ...sourceEntry, container: 'b.rpm', mtimeSeconds: 99 }, sourceEntry]);
    expect(check([record], entries)).toEqual([]);
  });

  it('finds nothing wrong if each of two packages has the whole group', () => {
    const entries = new Map(
      Array.from(payload({}), ([path, [entry]]) => [
        path,
        entry === undefined ? [] : [entry, { ...entry, container: 'b.rpm', inode: `${entry.inode}0`, owner: 'me:me' }],
      ]),
    );
    expect(check([record], entries)).toEqual([]);
  });

  it('reports a missing source once, however many records are of it', () => {
    const records = [pyc0, pyc1, pyc2].map((path) => ({ ...record, paths: [path] }));
    expect(check(records, payload({ [source]: 'absent' }))).toEqual([
      { kind: 'missing', path: source, detail: 'the source of pycs that are in the payload' },
    ]);
  });

  it('sorts what it finds by path, whatever the order of the records', () => {
    const changed = payload({ [pyc0]: { sha256: 'other' }, [pyc1]: { sha256: 'other' }, [pyc2]: { sha256: 'other' } });
    const records = [pyc0, pyc1, pyc2].map((path) => ({ ...record, paths: [path] }));
    expect(check(records, changed).map(({ path }) => path)).toEqual([pyc1, pyc2, pyc0]);
    expect(check(records.toReversed(), changed)).toEqual(check(records, changed));
  });
});
