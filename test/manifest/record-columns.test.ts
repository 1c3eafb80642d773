import { expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import { CompiledRecord, recordKind } from '../../src/manifest/compiled-record.ts';
import { buffersOf, RecordCollector, recordsFrom } from '../../src/manifest/record-columns.ts';

it('gives the records again in another thread', () => {
  const collector = new RecordCollector();
  const both = ['.cpython-311.opt-1.pyc', '.cpython-311.pyc'];
  const records = [
    [4, both, 0o644, '\x00\xff'.repeat(16), 12, 'b'.repeat(32)],
    [1, both.slice(0, 1), 0o600, 'a'.repeat(32), 2 ** 34, undefined],
    [4, both, 0o644, '\n'.repeat(32), 0, '\xfe\x00'.repeat(16)],
  ] as const;
  const payloadOf = (source: number) => `/usr/m${source}.py` as PayloadPath;
  const made = records.map(([source, endings, mode, digest, sizeBytes, ofSource]) => {
    const record = new CompiledRecord(
      payloadOf(source),
      sizeBytes,
      digest,
      recordKind(endings, mode, 'timestamp', '3.11.2'),
      ofSource,
    );
    collector.add(source, record);
    return record;
  });
  const columns = collector.columns();
  const there = structuredClone(columns, { transfer: buffersOf(columns) });
  expect(columns.sizes.length).toBe(0);
  expect(JSON.stringify(recordsFrom(there, payloadOf))).toBe(JSON.stringify(made));
});
