import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { completeManifest } from '../../src/manifest/encode.ts';
import { manifestPieces, writeWhole } from '../../src/manifest/file.ts';
import { readManifest } from '../../src/manifest/read.ts';
import { temporaryDirectory } from '../helpers/buildroot.ts';

const empty = completeManifest('0.1.0', { interpreters: [], records: [], skipped: [] });
const refusal = (code: string, message: string, path: string) => expect.objectContaining({ code, message, path });

describe('readManifest', () => {
  it.each([
    ['is not JSON', '{', 'is not JSON'],
    ['is empty', '', 'is not JSON'],
    [
      'is something else',
      '[]',
      'is not a manifest that this version can read: top level: Invalid input: expected object, received array',
    ],
    [
      'is of another version',
      [...manifestPieces(empty)].join('').replace('"schemaVersion": 1', '"schemaVersion": 2'),
      'is not a manifest that this version can read: schemaVersion: Invalid input: expected 1',
    ],
    [
      'has much wrong',
      JSON.stringify({ ...empty, skipped: Array(5).fill({ path: 1, reason: 'excluded' }) }),
      'is not a manifest that this version can read: ' +
        [0, 1, 2].map((i) => `skipped.${i}.path: Invalid input: expected string, received number; `).join('') +
        'and 2 more',
    ],
  ])('refuses a file that %s', (_name, text, message) => {
    const file = join(temporaryDirectory(), 'manifest');
    writeWhole(file, text);
    expect(() => readManifest(file)).toThrow(refusal('manifest-unusable', message, file));
  });

  it('reports why a file cannot be read', () => {
    const directory = temporaryDirectory();
    const missing = join(directory, 'missing');
    expect(() => readManifest(missing)).toThrow(
      refusal('manifest-unusable', 'the manifest cannot be read (ENOENT)', missing),
    );
    expect(() => readManifest(directory)).toThrow(
      refusal('manifest-unusable', 'the manifest cannot be read (EISDIR)', directory),
    );
  });
});
