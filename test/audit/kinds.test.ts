import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { auditAdvice, auditKindNames } from '../../src/audit/kinds.ts';

it('gives the same advice for each kind as docs/audit.md', () => {
  const rows = readFileSync(join(import.meta.dirname, '../../docs/audit.md'), 'utf8').split('\n');
  for (const kind of auditKindNames) {
    const row = rows.find((line) => line.startsWith(`| \`${kind}\` |`) && line.endsWith(` | ${auditAdvice[kind]} |`));
    expect([kind, row]).toEqual([kind, expect.any(String)]);
  }
});
