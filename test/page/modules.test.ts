import { expect, it } from 'vitest';
import { auditedOf } from '../../src/audit/audited.ts';
import type { PayloadPath } from '../../src/files/path.ts';
import type { PycRecord } from '../../src/manifest/schema.ts';
import { modulesOfAudit, modulesOfRecords } from '../../src/page/modules.ts';
import { describedPayload, entryAt } from '../helpers/payload.ts';

const source = '/usr/lib/python3.13/site-packages/shop/till.py' as PayloadPath;
const pyc = (level: string) =>
  `/usr/lib/python3.13/site-packages/shop/__pycache__/till.cpython-313${level}.pyc` as PayloadPath;
const record = (sizeBytes: number, ...levels: string[]): PycRecord => ({
  source,
  paths: levels.map(pyc),
  sizeBytes,
  sha256: '0'.repeat(64),
  mode: '0644',
  invalidationMode: 'timestamp',
});
const entry = (level: string, file: string, sizeBytes: number) => entryAt(pyc(level), { file, sizeBytes });

it('takes the level of a pyc beside its source from the record', () => {
  const path = '/app/till.pyc' as PayloadPath;
  const beside = { ...record(70), source: '/app/till.py' as PayloadPath, paths: [path] };
  expect(modulesOfRecords([{ ...beside, cacheTag: 'cpython-313', optimizationLevel: 2 }])).toMatchObject([
    { cacheTag: 'cpython-313', files: [{ levels: [2], sizeBytes: 70 }] },
  ]);
});

it('joins levels that share a file, and counts what that saves', () => {
  const modules = modulesOfRecords([record(70, '.opt-2'), record(100, '', '.opt-1')]);
  expect(modules).toEqual([
    {
      source,
      cacheTag: 'cpython-313',
      files: [
        { levels: [0, 1], sizeBytes: 100 },
        { levels: [2], sizeBytes: 70 },
      ],
      sizeBytes: 270,
      savedBytes: 100,
    },
  ]);
});

it('counts the bytes of a payload, and what more links would save', () => {
  const { payload, facts } = describedPayload([
    entry('', '1', 100),
    entry('.opt-1', '1', 100),
    entry('.opt-2', '2', 100),
  ]);
  const [module] = modulesOfAudit(
    [auditedOf(payload, facts)],
    [{ kind: 'unlinked', path: pyc('.opt-2'), container: 'a.rpm', detail: '', savedBytes: 100 }],
  );
  expect(module).toEqual({
    source,
    cacheTag: 'cpython-313',
    files: [
      { levels: [0, 1], sizeBytes: 100 },
      { levels: [2], sizeBytes: 100 },
    ],
    sizeBytes: 200,
    savedBytes: 100,
  });
});
