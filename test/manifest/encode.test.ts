import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import { completeManifest, type ManifestContent, mergeContent, recordsOf } from '../../src/manifest/encode.ts';
import { manifestPieces, writeWhole } from '../../src/manifest/file.ts';
import { readManifest } from '../../src/manifest/read.ts';
import { type Manifest, manifestSchema, type PycRecord } from '../../src/manifest/schema.ts';
import { invalidationModes } from '../../src/pyc/header.ts';
import { type Level, pycPath } from '../../src/pyc/name.ts';
import { type SkipReason, skipReasons } from '../../src/skipped.ts';
import { temporaryDirectory } from '../helpers/buildroot.ts';

const tag = 'cpython-311';
const python311 = { implementation: 'cpython', version: '3.11.2', cacheTag: tag, magicNumber: 3495 };
const python310 = { implementation: 'cpython', version: '3.10.1', cacheTag: 'cpython-310', magicNumber: 3439 };

function record(source: string, atLevels: readonly Level[], sizeBytes = 100): PycRecord {
  return {
    source: source as PayloadPath,
    paths: atLevels.map((level) => pycPath(source as PayloadPath, tag, level)),
    sizeBytes,
    sha256: '0'.repeat(64),
    mode: '0644',
    invalidationMode: 'timestamp',
  };
}

const run = (records: readonly PycRecord[], skipped: ManifestContent['skipped'] = []): ManifestContent => ({
  interpreters: [python311],
  records,
  skipped,
});

/** Any content there can be: each source in one to three records, or skipped. */
const contentBelow = (directory: string): fc.Arbitrary<ManifestContent> => {
  const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 5 }).filter((text) => !/[/\0]/.test(text));
  const entry = fc.record({
    name,
    split: fc.constantFrom<Level[][]>([[0, 1, 2]], [[0], [1, 2]], [[2, 0], [1]], [[0], [1], [2]], [[1]], []),
    sizeBytes: fc.nat(5000),
    sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
    mode: fc.constantFrom('0644', '0600', '4755'),
    invalidationMode: fc.constantFrom(...invalidationModes),
    reason: fc.constantFrom(...(Object.keys(skipReasons) as SkipReason[])),
  });
  return fc.uniqueArray(entry, { selector: ({ name: key }) => key, maxLength: 6 }).map((entries) => ({
    interpreters: [python310, python311],
    records: entries.flatMap(({ name: stem, split, reason: _reason, ...facts }) => {
      const source = `${directory}/${stem}.py` as PayloadPath;
      return split.map((set) => ({ source, paths: set.map((level) => pycPath(source, tag, level)), ...facts }));
    }),
    skipped: entries
      .filter(({ split }) => split.length === 0)
      .map(({ name: stem, reason }) => ({ path: `${directory}/${stem}.py`, reason })),
  }));
};

const among =
  (...paths: readonly string[]) =>
  ({ path }: { path: string }) =>
    paths.includes(path);
const examinedIn = ({ records, skipped }: ManifestContent) =>
  among(...records.map(({ source }) => source), ...skipped.map(({ path }) => path));
const nothingGone = () => false;
const merged = (earlier: ManifestContent, current: ManifestContent, isGone: (path: string) => boolean = nothingGone) =>
  completeManifest('1', mergeContent(completeManifest('1', earlier), current, examinedIn(current), isGone));

const manifestText = (manifest: Manifest) => [...manifestPieces(manifest)].join('');

describe('completeManifest', () => {
  it('sorts and computes totals', () => {
    const skipped = [
      { path: '/c.py', reason: 'excluded' as const },
      { path: '/a.py', reason: 'mode-differs' as const },
      { path: '/c.py', reason: 'excluded' as const },
    ];
    const content: ManifestContent = {
      interpreters: [python311, python310, python311],
      records: [record('/b.py', [2], 7), record('/b.py', [1, 0], 50), record('/a.py', [0, 2, 1], 30)],
      skipped,
    };
    const a = record('/a.py', [1, 2, 0], 30);
    expect(completeManifest('0.1.0', content)).toEqual({
      schemaVersion: 1,
      pyclink: '0.1.0',
      interpreters: [python311],
      optimizationLevels: [0, 1, 2],
      invalidationModes: ['timestamp'],
      linkGroups: [a, record('/b.py', [1, 0], 50)],
      singlePycs: [record('/b.py', [2], 7)],
      skipped: [skipped[1], skipped[0]],
      totals: { pycs: 6, linkGroups: 2, links: 3, sizeBytesWithoutLinks: 197, sizeBytes: 87 },
    });
  });

  it('of nothing is empty', () => {
    expect(completeManifest('0.1.0', run([]))).toEqual({
      schemaVersion: 1,
      pyclink: '0.1.0',
      interpreters: [],
      optimizationLevels: [],
      invalidationModes: [],
      linkGroups: [],
      singlePycs: [],
      skipped: [],
      totals: { pycs: 0, linkGroups: 0, links: 0, sizeBytesWithoutLinks: 0, sizeBytes: 0 },
    });
  });

  it('does not depend on the order in which the work was done', () => {
    const shuffled = contentBelow('/usr').chain((content) =>
      fc.tuple(
        fc.constant(content),
        fc.record({
          interpreters: fc.shuffledSubarray([...content.interpreters], { minLength: 2 }),
          records: fc
            .shuffledSubarray([...content.records], { minLength: content.records.length })
            .map((records) => records.map((one) => ({ ...one, paths: one.paths.toReversed() }))),
          skipped: fc.shuffledSubarray([...content.skipped], { minLength: content.skipped.length }),
        }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([content, other]) => {
        expect(manifestText(completeManifest('1', other))).toBe(manifestText(completeManifest('1', content)));
      }),
    );
  });

  it('matches the schema and round-trips byte for byte', () => {
    const file = join(temporaryDirectory(), 'manifest.json');
    fc.assert(
      fc.property(contentBelow('/usr'), (content) => {
        const manifest = completeManifest('1', content);
        expect(manifestSchema.parse(manifest)).toEqual(manifest);
        writeWhole(file, manifestPieces(manifest));
        expect(readManifest(file)).toEqual(manifest);
        expect(manifestText(readManifest(file))).toBe(manifestText(manifest));
        expect(manifestText(manifest)).toBe(`${JSON.stringify(manifest, null, 1)}\n`);
      }),
    );
  });

  it('loses no record', () => {
    fc.assert(
      fc.property(contentBelow('/usr'), (content) => {
        const manifest = completeManifest('1', content);
        const records = recordsOf(manifest);
        expect(completeManifest('1', { ...content, records })).toEqual(manifest);
        expect(records.flatMap(({ paths }) => paths).toSorted()).toEqual(
          content.records.flatMap(({ paths }) => paths).toSorted(),
        );
      }),
    );
  });
});

describe('who compiled', () => {
  const other = { ...python311, version: '3.11.9' };
  const by = (interpreter: typeof python311, ...records: PycRecord[]): ManifestContent => ({
    interpreters: [interpreter],
    records: records.map((one) => ({ ...one, interpreterVersion: interpreter.version })),
    skipped: [],
  });
  const [a, b] = [record('/a.py', [0, 1, 2]), record('/b.py', [0])];
  const a9 = { ...a, sizeBytes: 9 };

  it('leaves out an interpreter whose pycs were all replaced by those of another patch release', () => {
    expect(merged(by(python311, a), by(other, a9))).toEqual(completeManifest('1', by(other, a9)));
    expect(merged(recontent(merged(by(python311, a, b), by(other, b))), by(other, a9))).toEqual(
      completeManifest('1', by(other, a9, b)),
    );
  });

  it('is in each record while several patch releases have pycs, in any order of the runs', () => {
    const both = merged(by(python311, a), by(other, b));
    expect(both.interpreters).toEqual([python311, other]);
    expect(both.linkGroups).toEqual([{ ...a, paths: expect.anything(), interpreterVersion: '3.11.2' }]);
    expect(both.singlePycs).toEqual([{ ...b, interpreterVersion: '3.11.9' }]);
    expect(manifestText(merged(by(other, b), by(python311, a)))).toBe(manifestText(both));
    const gone = (path: string) => path.includes('b');
    expect(merged(recontent(both), by(python311, a), gone)).toEqual(completeManifest('1', by(python311, a)));
  });

  it('is any interpreter with the cache tag if a record does not name one', () => {
    const { interpreters, records } = by(python311, a);
    const unsaid = { interpreters: [...interpreters, other], records: records.map(() => a), skipped: [] };
    expect(merged(unsaid, by(other, b)).interpreters).toEqual([python311, other]);
    expect(merged(unsaid, by(other, a9)).interpreters).toEqual([other]);
  });
});

describe('fields of later versions', () => {
  const later = <T extends object>(what: T): T => ({ ...what, later: { of: 'the future' } });

  it('are kept by a merge, except for those of records that are replaced, and of totals', () => {
    const [a, b] = [record('/a.py', [0]), record('/b.py', [0])];
    const skip = { path: '/x.py', reason: 'bored' };
    const earlier = completeManifest('1', { ...run([later(a), later(b)]), skipped: [later(skip)] });
    const read = later({ ...earlier, interpreters: [later(python311)], totals: later(earlier.totals) });
    const merge = completeManifest('2', mergeContent(read, run([a]), among('/a.py'), nothingGone));
    expect(merge).toEqual(
      later({ ...completeManifest('2', run([a, later(b)], [later(skip)])), interpreters: [later(python311)] }),
    );
  });
});

describe('recordsOf', () => {
  it('has groups and single pycs in the order of their paths', () => {
    const [a, b, c] = [record('/a.py', [0]), record('/b.py', [1, 0]), record('/c.py', [0])];
    expect(recordsOf(completeManifest('1', run([c, b, a])))).toEqual([a, b, c]);
  });
});

describe('mergeContent', () => {
  it('keeps what earlier runs wrote', () => {
    const [a, b] = [record('/a.py', [1, 0]), record('/b.py', [0])];
    const earlier = {
      interpreters: [python310],
      records: [a],
      skipped: [{ path: '/x.py', reason: 'excluded' as const }],
    };
    const merge = mergeContent(completeManifest('1', earlier), run([b]), among('/b.py'), nothingGone);
    expect(completeManifest('1', merge)).toEqual(
      completeManifest('1', { interpreters: [python311], records: [a, b], skipped: earlier.skipped }),
    );
  });

  it.each<[string, PycRecord[], PycRecord[], string[], PycRecord[]]>([
    [
      'replaces what was written again',
      [record('/a.py', [1, 2, 0])],
      [record('/a.py', [1, 2, 0], 7)],
      [],
      [record('/a.py', [1, 2, 0], 7)],
    ],
    [
      'takes a pyc that was written again out of its old group',
      [record('/a.py', [1, 2, 0])],
      [record('/a.py', [0], 7)],
      [],
      [record('/a.py', [1, 2]), record('/a.py', [0], 7)],
    ],
    [
      'drops a pyc that is gone',
      [record('/a.py', [1, 2, 0])],
      [],
      ['/__pycache__/a.cpython-311.pyc'],
      [record('/a.py', [1, 2])],
    ],
    [
      'drops the pycs of a source that is gone',
      [record('/a.py', [0]), record('/b.py', [0])],
      [],
      ['/a.py'],
      [record('/b.py', [0])],
    ],
  ])('%s', (_name, earlier, current, gone, expected) => {
    const manifest = completeManifest('1', run(earlier));
    const merge = mergeContent(manifest, run(current), among(), (path) => gone.includes(path));
    expect(recordsOf(completeManifest('1', merge))).toEqual(recordsOf(completeManifest('1', run(expected))));
  });

  it('keeps names that are not UTF-8, which cannot be looked up', () => {
    const skip = { path: '/usr/\\xff.py', reason: 'name-not-utf8' as const };
    const earlier = completeManifest('1', run([], [skip]));
    expect(mergeContent(earlier, run([]), among(), () => true).skipped).toEqual([skip]);
  });

  it('drops skipped entries of files that this run examined or that are missing', () => {
    const skip = (path: string) => ({ path, reason: 'does-not-compile' as const });
    const earlier = completeManifest('1', run([], [skip('/again.py'), skip('/gone.py'), skip('/other.py')]));
    const current = run([record('/again.py', [0])], [skip('/new.py')]);
    const merge = mergeContent(earlier, current, among('/again.py', '/new.py'), (path) => path === '/gone.py');
    expect(merge.skipped).toEqual([skip('/other.py'), skip('/new.py')]);
  });

  it('passes the written pycs to isOutdated', () => {
    const [pyc] = record('/a.py', [0]).paths as [PayloadPath];
    const earlier = completeManifest('1', run([record('/a.py', [0])], [{ path: pyc, reason: 'mode-differs' }]));
    const isOutdated = ({ path }: { path: string }, written: ReadonlySet<string>) => written.has(path);
    expect(mergeContent(earlier, run([record('/b.py', [0])]), isOutdated, nothingGone).skipped).toHaveLength(1);
    expect(mergeContent(earlier, run([record('/a.py', [0])]), isOutdated, nothingGone).skipped).toEqual([]);
  });

  it('gives the same manifest whatever the order of runs over different sources', () => {
    fc.assert(
      fc.property(contentBelow('/usr/lib'), contentBelow('/opt'), contentBelow('/srv'), (a, b, c) => {
        const all = merged(recontent(merged(a, b)), c);
        expect(merged(recontent(merged(c, b)), a)).toEqual(all);
        expect(merged(a, recontent(merged(b, c)))).toEqual(all);
      }),
    );
  });

  it('gives the same manifest when a run is repeated', () => {
    fc.assert(
      fc.property(contentBelow('/usr'), contentBelow('/usr'), (a, b) => {
        const once = merged(a, b);
        expect(merged(recontent(once), b)).toEqual(once);
        expect(merged(b, b)).toEqual(completeManifest('1', b));
      }),
    );
  });

  it('lists no pyc twice', () => {
    fc.assert(
      fc.property(contentBelow('/usr'), contentBelow('/usr'), (a, b) => {
        const paths = recordsOf(merged(a, b)).flatMap((one) => one.paths);
        expect(new Set(paths).size).toBe(paths.length);
      }),
    );
  });
});

/** The content of a manifest, as if one run had made it. */
function recontent(manifest: ReturnType<typeof completeManifest>): ManifestContent {
  return { interpreters: manifest.interpreters, records: recordsOf(manifest), skipped: manifest.skipped };
}
