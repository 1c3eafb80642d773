import { describe, expect, it } from 'vitest';
import { type Inspection, inspectionText } from '../../src/report/inspection.ts';

const inspection: Inspection = {
  path: '/usr/lib/__pycache__/a.cpython-311.opt-1.pyc',
  interpreter: 'CPython 3.11',
  header: {
    magicNumber: 3495,
    invalidationMode: 'timestamp',
    sourceMtimeSeconds: 1_600_000_000,
    sourceSizeBytes: 42,
  },
  level: 1,
  cacheTag: 'cpython-311',
  sizeBytes: 128,
  sha256: 'abc',
  source: { path: '/usr/lib/a.py', state: 'fits' },
};

describe('inspectionText', () => {
  it('prints one line for each fact', () => {
    expect(inspectionText(inspection)).toBe(
      'pyc           /usr/lib/__pycache__/a.cpython-311.opt-1.pyc\n' +
        'magic number  3495 (CPython 3.11)\n' +
        'cache tag     cpython-311\n' +
        'level         1\n' +
        'invalidation  timestamp\n' +
        'source mtime  1600000000 (2020-09-13T12:26:40Z)\n' +
        'source size   42 bytes\n' +
        'size          128 bytes\n' +
        'sha256        abc\n' +
        'source        /usr/lib/a.py: matches\n',
    );
  });

  it('shows unknown fields, and a hash if there is one', () => {
    expect(
      inspectionText({
        ...inspection,
        path: '/odd\nname',
        interpreter: undefined,
        header: { magicNumber: 9999, invalidationMode: 'checked-hash', sourceHash: '0102030405060708' },
        level: undefined,
        cacheTag: undefined,
        source: undefined,
      }),
    ).toBe(
      'pyc           /odd\\nname\n' +
        'magic number  9999 (unknown interpreter)\n' +
        'cache tag     not in the name\n' +
        'level         not in the name\n' +
        'invalidation  checked-hash\n' +
        'source hash   0102030405060708\n' +
        'size          128 bytes\n' +
        'sha256        abc\n',
    );
  });

  it.each<[NonNullable<Inspection['source']>, string]>([
    [{ path: '/a.py', state: 'fits' }, 'source        /a.py: matches'],
    [{ path: '/a.py', state: 'missing' }, 'source        /a.py: not found'],
    [{ path: '/a.py', state: 'differs', reason: 'why' }, 'source        /a.py: does not match: why'],
  ])('says of the source %o: %s', (source, line) => {
    expect(
      inspectionText({ ...inspection, source })
        .split('\n')
        .at(-2),
    ).toBe(line);
  });
});
