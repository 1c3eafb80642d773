/** `npm run schema`: publishes the manifest's schema. A test holds the file against the code. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifestJsonSchema } from '../src/manifest/schema.ts';
import { scriptCall } from './helpers/script-call.ts';

scriptCall(import.meta.filename, {});

const file = join(import.meta.dirname, '../docs/manifest.schema.json');
writeFileSync(file, `${JSON.stringify(manifestJsonSchema(), null, 2)}\n`);
