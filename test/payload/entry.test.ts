import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import type { PycRecord } from '../../src/manifest/schema.ts';
import { wantedFor } from '../../src/payload/entry.ts';

const record = (source: string, pycs: string[], invalidationMode: PycRecord['invalidationMode']): PycRecord => ({
  source: source as PayloadPath,
  paths: pycs as PayloadPath[],
  sizeBytes: 1,
  sha256: '',
  mode: '0644',
  invalidationMode,
});

describe('wantedFor', () => {
  it('wants every pyc and every source once, and no hashes where all goes by timestamp', () => {
    const records = [record('/a.py', ['/0', '/1'], 'timestamp'), record('/a.py', ['/2'], 'timestamp')];
    expect(wantedFor(records, [3495])).toEqual({
      pycs: new Set(['/0', '/1', '/2']),
      sources: new Set(['/a.py']),
      hashMagicNumbers: [],
    });
  });

  it.each(['checked-hash', 'unchecked-hash'] as const)('wants the hashes where a pyc has a %s', (mode) => {
    const records = [record('/a.py', ['/0'], 'timestamp'), record('/b.py', ['/1'], mode)];
    expect(wantedFor(records, [3495, 3439]).hashMagicNumbers).toEqual([3495, 3439]);
  });
});
