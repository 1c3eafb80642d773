import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { manifestJsonSchema } from '../../src/manifest/schema.ts';

it('the published schema is that of the code (npm run schema)', () => {
  const published = readFileSync(join(import.meta.dirname, '../../docs/manifest.schema.json'), 'utf8');
  expect(JSON.parse(published)).toEqual(manifestJsonSchema());
});
