import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import type { PycRecord } from '../../src/manifest/schema.ts';
import type { PycHeader } from '../../src/pyc/header.ts';
import { check } from '../../src/verify/check.ts';
import { type DescribedEntry, describedPayload, entryAt } from '../helpers/payload.ts';

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
  sourceSha256: 'source',
  mode: '0644',
  invalidationMode: 'timestamp',
};

const right = { sha256: 'right', header };
const sourceEntry = entryAt(source, { file: '1', sizeBytes: 6 });
const pycEntry = (path: PayloadPath) => entryAt(path, { file: '2', sizeBytes: 100, pyc: right });

type Changes = Readonly<Record<string, Partial<DescribedEntry> | 'absent' | undefined>>;

/** The entries as they were built, but for these changes. */
function entries(changes: Changes): DescribedEntry[] {
  return [sourceEntry, ...record.paths.map(pycEntry)].flatMap((entry) => {
    const change = changes[entry.path];
    return change === 'absent' ? [] : { ...entry, ...change };
  });
}

/** The bytes of the file that all names of the group are. */
const bytes = (pyc: DescribedEntry['pyc']): Changes =>
  Object.fromEntries([pyc0, pyc1, pyc2].map((path) => [path, { pyc }]));

/** One finding for each name of the group. */
const forEach = (kind: string, detail: string) => [pyc1, pyc2, pyc0].map((path) => ({ kind, path, detail }));

/** What check finds in a payload of these entries. */
function checked(records: readonly PycRecord[], described: readonly DescribedEntry[]) {
  const { payload, facts } = describedPayload(described);
  return check(records, payload, facts).map(({ kind, path, detail }) => ({ kind, path, detail }));
}

describe('check', () => {
  it.each<[string, Changes, { kind: string; path: string; detail: string }[]]>([
    ['nothing, where all is as built', {}, []],
    [
      'nothing, where the file got more names, another mtime and owner',
      Object.fromEntries([pyc0, pyc1, pyc2].map((path) => [path, { owner: 'me:me', mtimeSeconds: 9, file: '1' }])),
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
      [{ kind: 'missing', path: source, detail: 'in the manifest, but not in the payload, although its pycs are' }],
    ],
    [
      'a pyc that is another file',
      { [pyc1]: { file: '3' } },
      [{ kind: 'unlinked', path: pyc1, detail: `not the same file as ${pyc0}` }],
    ],
    [
      'a group that is spread over packages, whose inodes say nothing',
      { [pyc2]: { container: 'b.rpm' } },
      [
        { kind: 'split', path: pyc1, detail: `in a.rpm, but ${pyc2} is in b.rpm` },
        { kind: 'split', path: pyc2, detail: `in b.rpm, but ${pyc0} is in a.rpm` },
        { kind: 'split', path: pyc0, detail: `in a.rpm, but ${pyc2} is in b.rpm` },
      ],
    ],
    [
      'another mode',
      { [pyc2]: { mode: 0o4644 } },
      [
        {
          kind: 'metadata-differs',
          path: pyc2,
          detail: `mode 4644 owner root:root, ${pyc0} has mode 0644 owner root:root`,
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
      { [pyc1]: { isGhost: true, file: '3', mode: 0, pyc: { ...right, sha256: 'other' } } },
      [{ kind: 'ghosted', path: pyc1, detail: 'the package lists it, but does not store it' }],
    ],
    [
      'nothing, where all names of a file are ghosts',
      Object.fromEntries(
        [pyc0, pyc1, pyc2].map((path) => [path, { isGhost: true, pyc: { ...right, sha256: 'other' } }]),
      ),
      [],
    ],
    [
      'a symlink in the place of a pyc',
      { [pyc1]: { type: 'symlink', target: 'x', file: '3', mode: 0o777 } },
      [{ kind: 'missing', path: pyc1, detail: 'is a symlink' }],
    ],
    [
      'nothing, where the source and all its pycs are left out',
      { [source]: 'absent', [pyc0]: 'absent', [pyc1]: 'absent', [pyc2]: 'absent' },
      [],
    ],
    [
      'a source of another content, whose size and mtime are the same',
      { [source]: { source: { sha256: 'other' } } },
      forEach('source-changed', 'its source changed after compilation: SHA-256 mismatch'),
    ],
    [
      'pycs that more users may read than their source',
      { [source]: { mode: 0o640 } },
      forEach('exposed', 'mode 0644, its source has 0640'),
    ],
    [
      'pycs that another group may read than their source',
      {
        [source]: { mode: 0o640, owner: 'root:shop' },
        ...Object.fromEntries([pyc0, pyc1, pyc2].map((path) => [path, { mode: 0o640 }])),
      },
      forEach('exposed', 'owner root:root, its source has root:shop').flatMap((one) => [
        one,
        { ...one, kind: 'unreadable' },
      ]),
    ],
    [
      'pycs that fewer users may read than their source',
      Object.fromEntries([pyc0, pyc1, pyc2].map((path) => [path, { mode: 0o640 }])),
      forEach('unreadable', 'mode 0640, its source has 0644'),
    ],
    [
      'pycs of root that the owner of their source may not read',
      {
        [source]: { mode: 0o600, owner: 'shop:shop' },
        ...Object.fromEntries([pyc0, pyc1, pyc2].map((path) => [path, { mode: 0o600 }])),
      },
      forEach('unreadable', 'owner root:root, its source has shop:shop'),
    ],
    [
      'a source that is a symlink to nothing',
      { [source]: { type: 'symlink', target: 'gone.py', mtimeSeconds: 9 } },
      [],
    ],
    ['other bytes', bytes({ ...right, sha256: 'other' }), forEach('damaged', 'SHA-256 mismatch')],
    [
      'bytes that are no pyc',
      bytes({ sha256: 'other', header: { unreadable: 'ends within its header' } }),
      forEach('damaged', 'it ends within its header'),
    ],
    ['bytes that are too many to be read', bytes({ unread: 'too large' }), forEach('damaged', 'too large')],
    [
      'nothing in what the system refuses to read: the report names it',
      bytes({ unread: 'cannot be read (EACCES)', isRefused: true }),
      [],
    ],
    [
      'code that ends early, which was built so',
      bytes({ ...right, damage: 'truncated' }),
      forEach('damaged', 'its code cannot be read: truncated'),
    ],
    [
      'a source that is newer than its pycs',
      { [source]: { mtimeSeconds: 6 } },
      [pyc1, pyc2, pyc0].map((path) => ({
        kind: 'stale',
        path,
        detail: 'it records mtime 1970-01-01T00:00:05Z, the source has 1970-01-01T00:00:06Z',
      })),
    ],
    [
      'a source of another size than one pyc says',
      bytes({ ...right, header: { ...header, sourceSizeBytes: 7 } }),
      forEach('stale', 'it records 7 bytes, the source has 6'),
    ],
    [
      'nothing, where the source has the hash',
      {
        [source]: { source: { sha256: 'source', hashes: new Map([[3495, 'ab']]) }, mtimeSeconds: 9 },
        ...bytes({ ...right, header: hashed }),
      },
      [],
    ],
    [
      'a source with another hash',
      {
        [source]: { source: { sha256: 'source', hashes: new Map([[3495, 'cd']]) } },
        ...bytes({ ...right, header: hashed }),
      },
      forEach('stale', 'the hash of the source does not match'),
    ],
    [
      'several things wrong with one path, by kind',
      {
        [pyc1]: {
          file: '3',
          mode: 0o755,
          pyc: { sha256: 'other', header: { ...header, sourceMtimeSeconds: 4 } },
        },
      },
      [
        { kind: 'damaged', path: pyc1, detail: 'SHA-256 mismatch' },
        {
          kind: 'metadata-differs',
          path: pyc1,
          detail: `mode 0755 owner root:root, ${pyc0} has mode 0644 owner root:root`,
        },
        {
          kind: 'stale',
          path: pyc1,
          detail: 'it records mtime 1970-01-01T00:00:04Z, the source has 1970-01-01T00:00:05Z',
        },
        { kind: 'unlinked', path: pyc1, detail: `not the same file as ${pyc0}` },
      ],
    ],
  ])('finds %s', (_name, changes, findings) => {
    expect(checked([record], entries(changes))).toEqual(findings);
  });

  it('checks only bytes and source of pycs that are not linked', () => {
    const alone = [pyc0, pyc1, pyc2].map((path) => ({ ...record, paths: [path] }));
    expect(checked(alone, entries({ [pyc1]: { file: '3', mode: 0o755, owner: 'me:me', pyc: right } }))).toEqual([]);
  });

  it('compares a pyc with the source of its own package', () => {
    const other = { ...sourceEntry, container: 'b.rpm', mtimeSeconds: 99 };
    expect(checked([record], [other, ...entries({})])).toEqual([]);
  });

  it('finds nothing wrong if each of two packages has the whole group', () => {
    const other = entries({}).map((entry) => ({
      ...entry,
      container: 'b.rpm',
      file: `${entry.file}0`,
      owner: 'me:me',
    }));
    expect(checked([record], [...entries({}), ...other])).toEqual([]);
  });

  it('finds pycs in a directory that fewer users may search than may read their source', () => {
    const cache = entryAt('/usr/lib/__pycache__', { type: 'directory', mode: 0o750 });
    const detail = 'mode 0644 in a directory of 0750, its source has 0644';
    expect(checked([record], [cache, ...entries({})])).toEqual(forEach('unreadable', detail));
    expect(checked([record], [cache, ...entries({ [source]: { mode: 0o640 } })])).toEqual([]);
  });

  it('finds a directory with the name of a source', () => {
    expect(checked([record], entries({ [source]: { type: 'directory' } }))).toEqual([
      { kind: 'missing', path: source, detail: 'in the manifest, but not in the payload, although its pycs are' },
    ]);
  });

  it('reports a missing source once, however many records it has', () => {
    const records = [pyc0, pyc1, pyc2].map((path) => ({ ...record, paths: [path] }));
    expect(checked(records, entries({ [source]: 'absent' }))).toEqual([
      { kind: 'missing', path: source, detail: 'in the manifest, but not in the payload, although its pycs are' },
    ]);
  });

  it('sorts what it finds by path, whatever the order of the records', () => {
    const changed = entries(bytes({ ...right, sha256: 'other' }));
    const records = [pyc0, pyc1, pyc2].map((path) => ({ ...record, paths: [path] }));
    expect(checked(records, changed).map(({ path }) => path)).toEqual([pyc1, pyc2, pyc0]);
    expect(checked(records.toReversed(), changed)).toEqual(checked(records, changed));
  });
});
