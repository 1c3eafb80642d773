import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import { CompiledRecord } from '../../src/manifest/compiled-record.ts';
import { parsePycPath, pycPath } from '../../src/pyc/name.ts';

const source = '/usr/lib/python3.11/a.b/x y.py' as PayloadPath;
const sha256 = '00ff7f80'.repeat(8);
const kind = {
  endings: ['.cpython-311.opt-1.pyc', '.cpython-311.pyc'],
  mode: '0644',
  invalidationMode: 'timestamp',
  interpreterVersion: '3.11.2',
} as const;
const latin1 = (hex: string) => Buffer.from(hex, 'hex').toString('latin1');
const record = new CompiledRecord(source, 1234, latin1(sha256), kind, undefined);

describe('CompiledRecord', () => {
  it('returns its fields, with the paths of the pycs', () => {
    expect(record.paths).toEqual([pycPath(source, 'cpython-311', 0), pycPath(source, 'cpython-311', 1)].sort());
    expect(record.paths.map((path) => parsePycPath(path)?.source)).toEqual([source, source]);
    expect(record.sha256).toBe(sha256);
  });

  it('says of a pyc beside its source what the name does not', () => {
    const beside = { cacheTag: 'cpython-311', optimizationLevel: 2 } as const;
    const besideIt = new CompiledRecord(
      source,
      1,
      latin1(sha256),
      { ...kind, endings: ['.pyc'], more: beside },
      undefined,
    );
    expect(besideIt.toJSON()).toMatchObject({ ...beside, paths: ['/usr/lib/python3.11/a.b/x y.pyc'] });
    expect(besideIt).toMatchObject(beside);
  });

  it('is written as the plain record would be, in the order of its fields', () => {
    expect(JSON.stringify(record)).toBe(
      JSON.stringify({
        source,
        paths: record.paths,
        sizeBytes: 1234,
        sha256,
        mode: '0644',
        invalidationMode: 'timestamp',
      }),
    );
    const sourceSha256 = '80ff0001'.repeat(8);
    const whole = new CompiledRecord(source, 1234, latin1(sha256), kind, latin1(sourceSha256));
    const { source: path, ...rest } = JSON.parse(JSON.stringify(record));
    expect(JSON.stringify(whole)).toBe(JSON.stringify({ source: path, sourceSha256, ...rest }));
    const bare = new CompiledRecord(source, 1234, latin1(sha256), { ...kind, more: { debugRanges: false } }, undefined);
    expect(JSON.stringify(bare)).toBe(
      JSON.stringify({ source: path, paths: record.paths, debugRanges: false, ...rest }),
    );
  });
});
